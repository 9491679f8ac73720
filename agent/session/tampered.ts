import type { Difference, NamedSet } from "../engine.ts";
import type { NotHeld } from "./node-status.ts";

const NAMED_MAX = 3;

/** By name, those of `sets` that may not hold because of what is other in the kernel. Pure. */
export function tamperedSets(
  sets: readonly NamedSet[],
  unrepaired: readonly Difference[],
): ReadonlyMap<string, NotHeld> {
  return new Map(
    sets.flatMap(({ name }): [string, NotHeld][] => {
      const its = unrepaired.filter((one) => one.sets?.includes(name) ?? true);
      return its.length === 0 ? [] : [[name, { reason: "Tampered", message: messageOf(its) }]];
    }),
  );
}

function messageOf(differences: readonly Difference[]): string {
  const shown = differences.slice(0, NAMED_MAX).map(sentence).join("; ");
  const more = differences.length - NAMED_MAX;
  return `it may not hold: somebody changed or removed ${shown}${more > 0 ? ` +${more} more` : ""}`;
}

function sentence(one: Difference): string {
  const repair =
    one.state === "failed" ? `cannot be repaired: ${one.message}` : "is being repaired";
  return `${one.what} (${repair})`;
}
