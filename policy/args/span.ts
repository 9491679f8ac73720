import type { Span } from "./kind.ts";

/** `5`, or `5:10` of a value in canonical form. */
export function spanOf(value: string): Span {
  const [first, last] = value.split(":", 2);
  return { first: BigInt(first!), last: BigInt(last ?? first!) };
}

/** The same numbers in ascending spans that do not touch, as text. */
export function canonicalSpans(spans: readonly Span[]): readonly string[] {
  const merged: Span[] = [];
  for (const span of [...spans].sort((a, b) => (a.first < b.first ? -1 : 1))) {
    const before = merged.at(-1);
    if (before === undefined || before.last + 1n < span.first) merged.push(span);
    else if (before.last < span.last) merged[merged.length - 1] = { ...before, last: span.last };
  }
  return merged.map(({ first, last }) => (first === last ? `${first}` : `${first}:${last}`));
}

/** Whether some span has the number. */
export function isIn(number: bigint, spans: readonly Span[]): boolean {
  return spans.some(({ first, last }) => first <= number && number <= last);
}
