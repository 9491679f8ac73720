import type { Span } from "../args/kind.ts";

/** Numbers: ascending spans that do not touch. */
export type Spans = readonly Span[];

export const emptySpans: Spans = [];

/** The numbers that are in either. */
export function either(one: Spans, other: Spans): Spans {
  const all = [...one, ...other].sort((a, b) => (a.first < b.first ? -1 : 1));
  const joined: { first: bigint; last: bigint }[] = [];
  for (const { first, last } of all) {
    const before = joined.at(-1);
    if (before === undefined || first > before.last + 1n) joined.push({ first, last });
    else if (last > before.last) before.last = last;
  }
  return joined;
}

/** The numbers that are in both. */
export function both(one: Spans, other: Spans): Spans {
  return one.flatMap((a) =>
    other.flatMap((b) => {
      const first = a.first > b.first ? a.first : b.first;
      const last = a.last < b.last ? a.last : b.last;
      return first > last ? [] : [{ first, last }];
    }),
  );
}

/** The numbers of `whole` that are in none. */
export function complement(spans: Spans, whole: Span): Spans {
  const left: Span[] = [];
  let from = whole.first;
  for (const { first, last } of spans) {
    if (first > from) left.push({ first: from, last: first - 1n });
    from = last + 1n;
  }
  if (from <= whole.last) left.push({ first: from, last: whole.last });
  return left;
}
