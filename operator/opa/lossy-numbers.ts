import { fractionOf } from "./builtins/go-big-float.ts";
import { BigNumber, parseValue, RegoObject, RegoSet, type RegoValue } from "./value.ts";

/**
 * The first number in a value's text, Rego's own or JSON, that JavaScript would change, and where it
 * is: `[0].spec.limit`; undefined when there is none. A fraction is rounded to 17 digits by all who
 * read JSON into doubles, and that is no change here.
 */
export function lossyNumber(
  text: string,
): { readonly number: string; readonly path: string } | undefined {
  for (const [token] of text.matchAll(tokens)) {
    if (token.startsWith('"') || isHeld(token)) continue;
    return { number: token, path: pathTo(parseValue(text), token) ?? "" };
  }
  return undefined;
}

/** Strings, as what is in them counts for none, and numbers. */
const tokens = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;

/** Whether JavaScript reads the number and writes the same one, or a fraction that is next to it. */
export function isHeld(number: string): boolean {
  if (number.length < 16 && !/e/i.test(number)) return true;
  const value = Number(number);
  if (!Number.isFinite(value) || (value === 0 && /[1-9]/.test(number.split(/e/i)[0]!)))
    return false;
  if (!Number.isInteger(value)) return true;
  const [exact, held] = [fractionOf(number), fractionOf(String(value))];
  return exact.numerator * held.denominator === held.numerator * exact.denominator;
}

function pathTo(value: RegoValue, number: string): string | undefined {
  if (value instanceof BigNumber) return value.text === number ? "" : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  const members: readonly (readonly [string, RegoValue])[] =
    value instanceof RegoObject
      ? value.entries.flatMap(([key, one]) => [[keyPath(key), one] as const, ["", key] as const])
      : (value instanceof RegoSet ? value.items : (value as readonly RegoValue[])).map(
          (one, i) => [`[${i}]`, one] as const,
        );
  for (const [step, member] of members) {
    const path = pathTo(member, number);
    if (path !== undefined) return step + path;
  }
  return undefined;
}

function keyPath(key: RegoValue): string {
  if (typeof key !== "string") return "[key]";
  return /^[A-Za-z_]\w*$/.test(key) ? `.${key}` : `[${JSON.stringify(key.slice(0, 64))}]`;
}
