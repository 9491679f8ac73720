import type { RegoValue } from "../value.ts";
import { type Builtin, BuiltinError } from "./builtin.ts";
import { bigIntOf, intOf, membersOf, numberOf, stringOf } from "./operands.ts";

export const strings: Readonly<Record<string, Builtin>> = {
  "strings.any_prefix_match": (searched, bases) =>
    anyMatch(searched, bases, (text, base) => text.startsWith(base)),
  "strings.any_suffix_match": (searched, bases) =>
    anyMatch(searched, bases, (text, base) => text.endsWith(base)),
  "strings.count": (text, part) => count(stringOf(text), stringOf(part)),
  "strings.split_n": (text, delimiter, n) => splitN(stringOf(text), stringOf(delimiter), intOf(n)),
  indexof_n: (text, part) => indexOfN(stringOf(text), stringOf(part)),
  "numbers.range_step": (from, to, step) => rangeStep(bigIntOf(from), bigIntOf(to), bigIntOf(step)),
};

function anyMatch(
  searched: RegoValue | undefined,
  bases: RegoValue | undefined,
  matches: (text: string, base: string) => boolean,
): boolean {
  const texts = textsOf(searched);
  const against = textsOf(bases);
  return texts.some((text) => against.some((base) => matches(text, base)));
}

function textsOf(value: RegoValue | undefined): readonly string[] {
  return typeof value === "string" ? [value] : membersOf(value).map(stringOf);
}

/** An empty part is between all characters, and around them. */
function count(text: string, part: string): number {
  return part === "" ? [...text].length + 1 : text.split(part).length - 1;
}

/** The first n parts; with n below 0, the last -n. */
function splitN(text: string, delimiter: string, n: number): RegoValue {
  const parts = delimiter === "" ? [...text] : text.split(delimiter);
  if (n < 0) return parts.slice(n);
  return parts.slice(0, n);
}

/** Where the part begins, in characters; it may overlap itself. */
function indexOfN(text: string, part: string): RegoValue {
  if (part === "") throw new BuiltinError("empty search character");
  const characters = [...text];
  const searched = [...part];
  return characters.flatMap((_, at) =>
    searched.every((character, i) => characters[at + i] === character) ? [at] : [],
  );
}

/** More is no list for a policy; OPA itself would run until its deadline. */
const longestRange = 1_000_000n;

function rangeStep(from: bigint, to: bigint, step: bigint): RegoValue {
  if (step <= 0n) throw new BuiltinError("step must be a positive integer");
  const length = (from <= to ? to - from : from - to) / step + 1n;
  if (length > longestRange) throw new Error(`makes ${length} numbers, more than ${longestRange}`);
  const direction = from <= to ? step : -step;
  return Array.from({ length: Number(length) }, (_, i) => {
    const value = from + direction * BigInt(i);
    return numberOf(value);
  });
}
