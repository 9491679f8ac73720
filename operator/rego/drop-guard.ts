import type { RuleCounts } from "../fleet/rule-counts.ts";

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
