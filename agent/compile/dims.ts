import type { Bits } from "./bits.ts";

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

function baseBits({ where }: Space, asked: readonly Asked<Listing>[]) {
  const byBit = new Map(asked.map((one) => [one.bit, one]));
  return {
    otherwise: where((bit) =>
      (byBit.get(bit)?.conditions ?? []).every((condition) => condition.negated),
    ),
    absent: where((bit) => !byBit.has(bit)),
  };
}

function withBits(
  otherwise: Bits,
  users: Iterable<Asked<Listing>>,
  meets: (condition: Listing) => boolean,
): Bits {
  const bits = Uint8Array.from(otherwise);
  for (const { bit, conditions } of users) {
    const mask = 1 << (bit & 7);
    if (conditions.every(meets)) bits[bit >> 3]! |= mask;
    else bits[bit >> 3]! &= ~mask;
  }
  return bits;
}
