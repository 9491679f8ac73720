import { type SelectorSet, type SetSize, sizeOf } from "@guardbee/policy";

/** How large the sets of one object are, all together. */
export type ObjectSize = SetSize & { readonly policies: number };

export const noSize: ObjectSize = { policies: 0, hooks: 0, selectors: 0, values: 0 };

export const measures = Object.keys(noSize) as (keyof ObjectSize)[];

/** The size of an object with these sets. */
export function sizeOfAll(sets: readonly SelectorSet[]): ObjectSize {
  return sets.map((set) => ({ policies: 1, ...sizeOf(set) })).reduce(addSizes, noSize);
}

export function addSizes(a: ObjectSize, b: ObjectSize): ObjectSize {
  const sums = measures.map((measure) => [measure, a[measure] + b[measure]]);
  return Object.fromEntries(sums) as ObjectSize;
}
