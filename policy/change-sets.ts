import { hashSets } from "./identity.ts";
import type { HashedSets } from "./schema/selector-set.ts";
import type { Mode, Scope, SelectorSet } from "./selector-set.ts";

/**
 * `sets` in another mode, another scope, or neither, with the hash of what they are then. Lowering
 * decides both; whatever changes them afterwards, a guard rail or a trial, does it here. A scope is
 * in canonical order, as parseScope gives it.
 */
export function changeSets(
  sets: readonly SelectorSet[],
  change: { readonly mode?: Mode; readonly scope?: Scope },
): HashedSets {
  const changed = sets.map((set) => ({ ...set, ...change }));
  return { hash: hashSets(changed), sets: changed };
}
