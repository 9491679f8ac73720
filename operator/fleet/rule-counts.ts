import { type Mode, type SelectorSet, setName, sizeOf } from "@guardbee/policy";

/** Policy → how many rules it has, and whether they enforce. */
export type RuleCounts = Readonly<Record<string, { readonly rules: number; readonly mode: Mode }>>;

/** Rules of each set: its selectors, and each hook that has none and so reports every call. */
export function countRules(sets: readonly SelectorSet[]): RuleCounts {
  return Object.fromEntries(
    sets.map((set) => [setName(set.policy), { rules: sizeOf(set).selectors, mode: set.mode }]),
  );
}

export function totalOf(counts: RuleCounts): number {
  return Object.values(counts).reduce((sum, { rules }) => sum + rules, 0);
}
