import { add, fractionOf, negate } from "./builtins/go-big-float.ts";
import { BigNumber, type RegoEntry, RegoObject, RegoSet, type RegoValue } from "./value.ts";

/** The value with sets and objects in Rego's order, in which the module does not keep them. */
export function sorted(value: RegoValue): RegoValue {
  if (value instanceof RegoSet) return new RegoSet(value.items.map(sorted).sort(compareValues));
  if (value instanceof RegoObject) {
    const entries = value.entries.map(([key, one]): RegoEntry => [sorted(key), sorted(one)]);
    return new RegoObject(entries.sort(([a], [b]) => compareValues(a, b)));
  }
  return Array.isArray(value) ? value.map(sorted) : value;
}

/** Rego's order, of values that are sorted themselves: null, booleans, numbers, strings, ... */
export function compareValues(a: RegoValue, b: RegoValue): number {
  const [rankA, rankB] = [rankOf(a), rankOf(b)];
  if (rankA !== rankB) return rankA - rankB;
  if (typeof a === "string") return compareText(a, b as string);
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (rankA === ranks.number) return compareNumbers(a as number, b as number);
  if (Array.isArray(a)) return compareLists(a, b as readonly RegoValue[], compareValues);
  if (a instanceof RegoSet) return compareLists(a.items, (b as RegoSet).items, compareValues);
  if (a instanceof RegoObject) {
    return compareLists(a.entries, (b as RegoObject).entries, compareEntries);
  }
  return Number(a) - Number(b);
}

const ranks = { null: 0, boolean: 1, number: 2, string: 3, array: 4, object: 5, set: 6 } as const;

function rankOf(value: RegoValue): number {
  if (value === null) return ranks.null;
  if (value instanceof BigNumber) return ranks.number;
  if (value instanceof RegoSet) return ranks.set;
  if (value instanceof RegoObject) return ranks.object;
  if (Array.isArray(value)) return ranks.array;
  return ranks[typeof value as "boolean" | "number" | "string"];
}

function compareEntries(a: RegoEntry, b: RegoEntry): number {
  return compareValues(a[0], b[0]) || compareValues(a[1], b[1]);
}

function compareLists<T>(
  a: readonly T[],
  b: readonly T[],
  compare: (a: T, b: T) => number,
): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const order = compare(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** By code point, as UTF-8 sorts; JavaScript compares halves of surrogate pairs. */
function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xe000;
}

function compareNumbers(a: number | BigNumber, b: number | BigNumber): number {
  const [x, y] = [a, b].map((one) => (one instanceof BigNumber ? one.text : String(one)));
  const { numerator } = add(fractionOf(x!), negate(fractionOf(y!)));
  return numerator < 0n ? -1 : numerator > 0n ? 1 : 0;
}
