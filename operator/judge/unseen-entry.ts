import type { Hook } from "@guardbee/policy";

export type Hooks = { readonly hooks: readonly Pick<Hook, "on">[] };

/** Whether hooks are on system calls, of which the engine attaches to the 64-bit entries alone. */
export function hooksSystemCalls(sets: readonly Hooks[]): boolean {
  return sets.some(({ hooks }) => hooks.some(({ on }) => on.kind === "kprobe" && on.syscall));
}

/** What `policy check`, which knows no node, notes of a policy. */
export function unseenNotes(sets: readonly Hooks[]): readonly string[] {
  if (!hooksSystemCalls(sets)) return [];
  return [
    "hooks on system calls see no 32-bit ones (int 0x80), where a node's kernel takes those; hooks on security_ functions do",
  ];
}
