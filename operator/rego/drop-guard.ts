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

/**
 * How many of the rules in force would go: those of a policy that is no longer generated, those it
 * has fewer of, and all that would only report where they enforced. A rule that says something
 * else than before is a change, not a loss.
 */
export function countDropped(inForce: RuleCounts, next: RuleCounts): number {
  let dropped = 0;
  for (const [name, { rules, mode }] of Object.entries(inForce)) {
    const after = Object.hasOwn(next, name) ? next[name] : undefined;
    const weaker = mode === "enforce" && after?.mode === "monitor";
    dropped += after === undefined || weaker ? rules : Math.max(rules - after.rules, 0);
  }
  return dropped;
}
