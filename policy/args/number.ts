import { canonicalDecimals } from "../lower/canonical.ts";
import type { Report } from "../lower/report.ts";
import { numberOperators } from "../schema/vocabulary.ts";
import { quote } from "../suggest.ts";
import type { ArgKind, ArgOperator, ValuesPlace } from "./kind.ts";

type NumberType = Omit<ArgKind, "facets" | "operators" | "upstreamOperators" | "read"> & {
  readonly bits: 32 | 64;
  readonly signed: boolean;
};

/** A type whose reading is one number: the low `bits` of the register, which has 32 in a 32-bit call. */
export function numberKind({ bits, signed, ...kind }: NumberType) {
  const narrow = signed ? BigInt.asIntN : BigInt.asUintN;
  const range: Range = signed
    ? { minimum: -(1n << BigInt(bits - 1)), maximum: (1n << BigInt(bits - 1)) - 1n }
    : { minimum: 0n, maximum: (1n << BigInt(bits)) - 1n };
  return {
    ...kind,
    facets: { value: "number" },
    operators: { Equal: equal(range, false), NotEqual: equal(range, true) },
    upstreamOperators: numberOperators,
    read: (index, { parameters, is32Bit }) => {
      const parameter = parameters[index];
      if (parameter?.kind !== "number") return "unknown";
      return { value: narrow(is32Bit ? 32 : bits, parameter.value) };
    },
  } as const satisfies ArgKind;
}

/** Inclusive. */
type Range = { readonly minimum: bigint; readonly maximum: bigint };

function equal(range: Range, negated: boolean): ArgOperator<bigint> {
  return {
    facet: "value",
    form: "equal",
    negated,
    parse: (report, values, place) => parseNumbers(report, values, { ...place, ...range }),
    lists: (facet, values) => values.some((value) => facet === BigInt(value)),
  };
}

function parseNumbers(
  report: Report,
  values: readonly string[],
  { at, type, minimum, maximum }: ValuesPlace & Range,
): readonly string[] {
  const numbers: bigint[] = [];
  values.forEach((value, i) => {
    const number = parseNumber(value);
    if (number === undefined) {
      const fix = "write a number: decimal, 0x..., 0o... or 0b...";
      report.invalid(`${at}[${i}]`, `is ${quote(value)}`, fix);
    } else if (number < minimum || number > maximum) {
      report.invalid(`${at}[${i}]`, `is ${value}`, `${type} holds ${minimum} to ${maximum}`);
    } else numbers.push(number);
  });
  return canonicalDecimals(numbers);
}

/** Go's base-0 syntax, which upstream takes: a leading 0 alone means octal. */
function parseNumber(text: string): bigint | undefined {
  const match = /^([+-]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/.exec(text);
  if (match === null) return undefined;
  const digits = match[2]!.replace(/^0(?=[0-7])/, "0o");
  return match[1] === "-" ? -BigInt(digits) : BigInt(digits);
}
