import type { Hook } from "@guardbee/policy";
import { furtherEntries } from "@guardbee/policy/sets";

export type Hooks = { readonly hooks: readonly Pick<Hook, "on" | "args">[] };

/**
 * How 32-bit processes can make the system calls of hooks in `sets` unseen, by the names of those
 * calls: `pwrite64, socketcall`. Undefined where every way is seen.
 */
export function unseenCalls(sets: readonly Hooks[]): string | undefined {
  const all = sets.flatMap(({ hooks }) => hooks.flatMap((hook) => furtherEntries(hook).unseen));
  return all.length === 0 ? undefined : [...new Set(all)].sort().join(", ");
}

/** What `policy check`, which knows no node, notes of a policy. */
export function unseenNotes(sets: readonly Hooks[]): readonly string[] {
  const calls = unseenCalls(sets);
  if (calls === undefined) return [];
  return [
    `its hooks on system calls do not see 32-bit ones (int 0x80) made by ${calls}, where a node's kernel takes those; hooks on security_ functions do`,
  ];
}
