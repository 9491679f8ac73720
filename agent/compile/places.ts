import { enums } from "../gen/layout.ts";
import type { PlannedHook } from "./plan.ts";

/** One selector of an attach point. Its bit is its position. */
export type Bit = { readonly planned: PlannedHook; readonly selector: number };

/** Whose selector each bit of an attach point is; undefined: nobody's. */
export type Places = readonly (Bit | undefined)[];

const wordBits = 64;

/**
 * The selectors of an attach point in bit order. Where bitmaps are large those of a set lie in one word, as
 * far as they fit: a process for which one policy of thousands holds has that word only to compare.
 */
export function bitsOf(hooks: readonly PlannedHook[]): Places {
  const { UNROLLED_MAX, WORDS_MAX } = enums.engine_limit;
  if (selectorCount(hooks) <= UNROLLED_MAX * wordBits) return side(hooks);
  const places: (Bit | undefined)[] = [];
  for (const its of Map.groupBy(hooks, ({ set }) => set.name).values()) {
    const bits = side(its);
    const left = wordBits - (places.length % wordBits);
    if (bits.length > left && bits.length <= wordBits) places.push(...Array(left).fill(undefined));
    places.push(...bits);
  }
  return places.length <= WORDS_MAX * wordBits ? places : side(hooks);
}

/** How many selectors there are. */
export function selectorCount(hooks: readonly PlannedHook[]): number {
  return hooks.reduce((sum, { selectors }) => sum + selectors.length, 0);
}

/** Side by side. */
function side(hooks: readonly PlannedHook[]): readonly Bit[] {
  return hooks.flatMap((planned) =>
    planned.selectors.map((_, selector) => ({ planned, selector })),
  );
}
