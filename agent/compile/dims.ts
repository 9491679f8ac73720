import { type Bits, setBit } from "./bits.ts";

/** One bit of an attach point: a selector of a hook, with what it asks of one dimension. */
export type Asked<T> = { readonly bit: number; readonly conditions: readonly T[] };

/** The selectors of an attach point. */
export type Space = {
  /** The bitmap of those for which it is true. */
  readonly where: (is: (bit: number) => boolean) => Bits;
};

/** A condition that is met by a value of its list (positive), or by a value outside it. */
export type Listing = { readonly negated: boolean; readonly values: ReadonlySet<string> };

/** What a dimension of listed values leaves. */
export type ListedBits = {
  /** Left when the value is in no list, or cannot be told. */
  readonly otherwise: Bits;
  /** Left when by its nature there is no value: those that do not ask. */
  readonly absent: Bits;
  /** Left for each listed value. */
  readonly entries: ReadonlyMap<string, Bits>;
};

/** The tables of a dimension compared for equality. `asked` has at most one entry a bit. */
export function equalityDimension(space: Space, asked: readonly Asked<Listing>[]): ListedBits {
  const base = baseBits(space, asked);
  const usersOf = usersByValue(asked);
  const entries = new Map<string, Bits>();
  const withBits = sharedBits<Listing>();
  for (const [value, users] of usersOf) {
    entries.set(
      value,
      withBits(base.otherwise, users, (c) => c.values.has(value) !== c.negated),
    );
  }
  return { ...base, entries };
}

/**
 * The tables of a dimension compared by longest prefix: the bits at a prefix already hold for every
 * shorter one, because only the longest is found. Values are strings of bytes (latin1).
 */
export function prefixDimension(space: Space, asked: readonly Asked<Listing>[]): ListedBits {
  const base = baseBits(space, asked);
  const usersOf = usersByValue(asked);
  const entries = new Map<string, Bits>();
  const withBits = sharedBits<Listing>();
  /** The listed prefixes of the value at hand, itself included, shortest first. */
  const prefixes: string[] = [];
  // Sorted, a prefix comes right before all that begins with it.
  for (const value of [...usersOf.keys()].sort()) {
    while (prefixes.length > 0 && !value.startsWith(prefixes.at(-1)!)) prefixes.pop();
    const nearest = entries.get(prefixes.at(-1) ?? "") ?? base.otherwise;
    prefixes.push(value);
    const meets = (c: Listing) => prefixes.some((prefix) => c.values.has(prefix)) !== c.negated;
    entries.set(value, withBits(nearest, usersOf.get(value)!, meets));
  }
  return { ...base, entries };
}

/** A condition that is met by a number in one of its spans, or by one outside of them. */
export type Spans = { readonly negated: boolean; readonly spans: readonly Span[] };
type Span = { readonly first: bigint; readonly last: bigint };

/** What a dimension of spans leaves of the numbers from `start` on, up to the next entry's. */
export type Interval = { readonly start: bigint; readonly bits: Bits };

/**
 * The tables of a dimension compared by range: the bounds of all spans cut the numbers from 0 to
 * 2^64 - 1 into intervals, in ascending order, in each of which the same spans are. Negative numbers
 * are above the others, as two's complement has them.
 */
export function rangeDimension(
  space: Space,
  asked: readonly Asked<Spans>[],
): Omit<ListedBits, "entries"> & { readonly intervals: readonly Interval[] } {
  const base = baseBits(space, asked);
  /** In how many of its spans the number at hand is, by condition. */
  const within = new Map<Spans, number>();
  const changes = asked.flatMap((one) =>
    one.conditions.flatMap((condition) =>
      condition.spans.flatMap(unsigned).flatMap(({ first, last }) => [
        { at: first, by: 1, condition, one },
        { at: last + 1n, by: -1, condition, one },
      ]),
    ),
  );
  const meets = (condition: Spans) => (within.get(condition) ?? 0) > 0 !== condition.negated;
  const withBits = sharedBits<Spans>();
  const intervals: Interval[] = [{ start: 0n, bits: base.otherwise }];
  for (const [start, here] of Map.groupBy(changes, ({ at }) => at)
    .entries()
    .toArray()
    .sort(byStart)) {
    if (start > maxU64) continue;
    for (const { condition, by } of here) within.set(condition, (within.get(condition) ?? 0) + by);
    const users = new Set(here.map(({ one }) => one));
    const bits = withBits(intervals.at(-1)!.bits, users, meets);
    if (start === 0n) intervals[0] = { start, bits };
    else intervals.push({ start, bits });
  }
  return { ...base, intervals };
}

const maxU64 = (1n << 64n) - 1n;

function byStart([a]: readonly [bigint, unknown], [b]: readonly [bigint, unknown]): number {
  return a < b ? -1 : 1;
}

/** The same numbers as two's complement has them. */
function unsigned({ first, last }: Span): readonly Span[] {
  if (first > last) return [];
  if (first >= 0n) return [{ first, last }];
  const below = { first: first + maxU64 + 1n, last: (last < 0n ? last : -1n) + maxU64 + 1n };
  return last < 0n ? [below] : [below, { first: 0n, last }];
}

/** Gives the longest beginning of a value that is listed; empty when none is. */
export function longestListed(entries: ReadonlyMap<string, unknown>): (value: string) => string {
  const lengths = [...new Set([...entries.keys()].map(({ length }) => length))].sort(
    (a, b) => b - a,
  );
  return (value) => {
    const fits = (length: number) => length <= value.length && entries.has(value.slice(0, length));
    return value.slice(0, lengths.find(fits) ?? 0);
  };
}

/** Which bits list a value, by value. */
function usersByValue(asked: readonly Asked<Listing>[]): Map<string, Set<Asked<Listing>>> {
  const users = new Map<string, Set<Asked<Listing>>>();
  for (const one of asked) {
    for (const value of one.conditions.flatMap((condition) => [...condition.values])) {
      const known = users.get(value) ?? new Set();
      users.set(value, known.add(one));
    }
  }
  return users;
}

function baseBits({ where }: Space, asked: readonly Asked<{ readonly negated: boolean }>[]) {
  const byBit = new Map(asked.map((one) => [one.bit, one]));
  return {
    otherwise: where((bit) =>
      (byBit.get(bit)?.conditions ?? []).every((condition) => condition.negated),
    ),
    absent: where((bit) => !byBit.has(bit)),
  };
}

/**
 * Gives a bitmap with the bits of `users` as they meet a value. Those that come of the same one by the same
 * users are one: of a list with many values, all have the same.
 */
function sharedBits<C>() {
  const known = new Map<Bits, Map<string, Bits>>();
  return (otherwise: Bits, users: Iterable<Asked<C>>, meets: (condition: C) => boolean): Bits => {
    const met = [...users].map(({ bit, conditions }) => (conditions.every(meets) ? bit : ~bit));
    const its = known.get(otherwise) ?? new Map<string, Bits>();
    known.set(otherwise, its);
    const key = met.join();
    const there = its.get(key);
    if (there !== undefined) return there;
    const bits = Uint8Array.from(otherwise);
    for (const bit of met) setBit(bits, bit < 0 ? ~bit : bit, bit >= 0);
    its.set(key, bits);
    return bits;
  };
}
