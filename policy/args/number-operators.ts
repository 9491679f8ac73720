import { canonicalDecimals } from "../lower/canonical.ts";
import type { Report } from "../lower/report.ts";
import { quote } from "../suggest.ts";
import type { ArgOperator, Span, ValuesPlace } from "./kind.ts";
import { canonicalSpans, isIn, spanOf } from "./span.ts";

/** A facet that is a number: its name, and what it can be. */
export type NumberFacet = { readonly facet: string; readonly holds: Span };

/** The operators of a type that has a number as a facet. */
export function operatorsOnNumber(its: NumberFacet) {
  return {
    Equal: equalTo(its),
    NotEqual: equalTo(its, { negated: true }),
    GT: beyond(its, "above"),
    GreaterThan: beyond(its, "above"),
    LT: beyond(its, "below"),
    LessThan: beyond(its, "below"),
    Mask: mask(its),
    InRange: within(its, { negated: false, parse: parseRange, samples: rangeSamples }),
    NotInRange: within(its, { negated: true, parse: parseRange, samples: rangeSamples }),
    InMap: within(its, { negated: false, parse: parseMember, samples: memberSamples }),
    NotInMap: within(its, { negated: true, parse: parseMember, samples: memberSamples }),
  } as const;
}

const rangeSamples = ["0:0", "1:3", "2:4", "3:5", "5:4294967295"];
const memberSamples = ["0", "3", "5", "4:1", "3:3"];

/** It is, or is not, one of the values. */
export function equalTo(
  { facet, holds }: NumberFacet,
  { negated }: { readonly negated: boolean } = { negated: false },
): ArgOperator<bigint> {
  return {
    ...{ facet, form: "equal", negated },
    parse: (report, values, place) =>
      canonicalDecimals(parseNumbers(report, values, { ...place, holds })),
    lists: (number, values) => values.some((value) => number === BigInt(value)),
  };
}

/** More than one of the values is more than the least of them. */
function beyond({ facet, holds }: NumberFacet, side: "above" | "below"): ArgOperator<bigint> {
  const spans = (values: readonly string[]) =>
    values.map((value) =>
      side === "above"
        ? { first: BigInt(value) + 1n, last: holds.last }
        : { first: holds.first, last: BigInt(value) - 1n },
    );
  return {
    ...{ facet, form: "range", negated: false, spans },
    parse: (report, values, place) =>
      canonicalDecimals(parseNumbers(report, values, { ...place, holds })),
    lists: (number, values) => isIn(number, spans(values)),
  };
}

function mask({ facet, holds }: NumberFacet): ArgOperator<bigint> {
  const bits = BigInt((holds.last - holds.first).toString(2).length);
  const all = (1n << bits) - 1n;
  return {
    ...{ facet, form: "mask", negated: false, samples: ["1", "2", "4", "0x80000000"] },
    parse: (report, values, place) => {
      // Bits may be written as a negative number, too.
      const least = holds.first < 0n ? holds.first : 0n;
      const numbers = parseNumbers(report, values, {
        ...place,
        holds: { first: least, last: all },
      });
      values.forEach((value, i) => {
        if (parseNumber(value) !== 0n) return;
        report.invalid(`${place.at}[${i}]`, "has no bit set", "write the bits to look for");
      });
      return canonicalDecimals(numbers.map((number) => number & all));
    },
    lists: (number, values) => values.some((value) => (number & BigInt(value)) !== 0n),
  };
}

/** What one value of a list of spans says; undefined: `report` says what is wrong. */
export type ParseSpan = (
  report: Report,
  value: string,
  place: ValuesPlace & { readonly holds: Span },
) => Span | undefined;

/** The operator for numbers that are in one of several spans. */
export function within(
  { facet, holds }: NumberFacet,
  {
    negated,
    parse,
    samples,
  }: {
    readonly negated: boolean;
    readonly parse: ParseSpan;
    readonly samples: readonly string[];
  },
): ArgOperator<bigint> {
  const spans = (values: readonly string[]) => values.map(spanOf);
  return {
    ...{ facet, form: "range", negated, spans, samples },
    parse: (report, values, { at, type }) =>
      canonicalSpans(
        values.flatMap(
          (value, i) => parse(report, value, { at: `${at}[${i}]`, type, holds }) ?? [],
        ),
      ),
    lists: (number, values) => isIn(number, spans(values)),
  };
}

/** `min:max`. What is beyond the largest number of the type is cut, as upstream. */
const parseRange: ParseSpan = (report, value, { at, type, holds }) => {
  const parts = value.split(":").map((part) => parseNumber(part));
  const [first, last] = parts;
  if (parts.length > 2 || first === undefined || (last === undefined && value.includes(":"))) {
    report.invalid(at, `is ${quote(value)}`, "write two numbers: 1:1024");
    return undefined;
  }
  return checkSpan(report, { first, last: last ?? first }, { at, type, holds });
};

/** A decimal number, or two of them in either order. */
export const parseMember: ParseSpan = (report, value, { at, type, holds }) => {
  const numbers = /^-?[0-9]+(:-?[0-9]+)?$/.test(value) ? value.split(":").map(BigInt) : undefined;
  if (numbers === undefined) {
    const fix = "write a decimal number, or two of them: 1:1024";
    report.invalid(at, `is ${quote(value)}`, fix);
    return undefined;
  }
  const [one, other = one] = numbers as [bigint, bigint?];
  const span = one < other! ? { first: one, last: other! } : { first: other!, last: one };
  return checkSpan(report, span, { at, type, holds });
};

/** The part of a span that a number of that type can be. */
export function checkSpan(
  report: Report,
  { first, last }: Span,
  { at, type, holds }: ValuesPlace & { readonly holds: Span },
): Span | undefined {
  if (first > last) {
    report.invalid(at, `is ${first}:${last}, which no number is in`, `write ${last}:${first}`);
    return undefined;
  }
  if (first < holds.first || first > holds.last) {
    report.invalid(at, `begins with ${first}`, `${type} holds ${holds.first} to ${holds.last}`);
    return undefined;
  }
  return { first, last: last > holds.last ? holds.last : last };
}

function parseNumbers(
  report: Report,
  values: readonly string[],
  { at, type, holds: { first, last } }: ValuesPlace & { readonly holds: Span },
): readonly bigint[] {
  return values.flatMap((value, i) => {
    const number = parseNumber(value);
    if (number === undefined) {
      const fix = "write a number: decimal, 0x..., 0o... or 0b...";
      report.invalid(`${at}[${i}]`, `is ${quote(value)}`, fix);
    } else if (number < first || number > last) {
      report.invalid(`${at}[${i}]`, `is ${value}`, `${type} holds ${first} to ${last}`);
    } else return [number];
    return [];
  });
}

/** Go's base-0 syntax, which upstream takes: a leading 0 alone means octal. */
export function parseNumber(text: string): bigint | undefined {
  const match = /^([+-]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/.exec(text);
  if (match === null) return undefined;
  const digits = match[2]!.replace(/^0(?=[0-7])/, "0o");
  return match[1] === "-" ? -BigInt(digits) : BigInt(digits);
}
