import type { Hook } from "@guardbee/policy";
import type { NodeState } from "./node-state.ts";

/** By which agents report that their kernel takes 32-bit system calls (int 0x80) of any process. */
export const int80Feature = "ia32_emulation";

type Hooks = { readonly hooks: readonly Pick<Hook, "on">[] };

/** Whether hooks are on system calls, of which the engine attaches to the 64-bit entries alone. */
export function hooksSystemCalls(sets: readonly Hooks[]): boolean {
  return sets.some(({ hooks }) => hooks.some(({ on }) => on.kind === "kprobe" && on.syscall));
}

/**
 * What the status of a policy says beside "in force": on how many of the nodes that hold it 32-bit
 * system calls pass it by. Undefined where none does. Pure.
 */
export function unseenOn(sets: readonly Hooks[], nodes: readonly NodeState[]): string | undefined {
  if (!hooksSystemCalls(sets)) return undefined;
  const open = nodes.filter((one) => one.state === "programmed" && one.takesInt80).length;
  if (open === 0) return undefined;
  const on = open === 1 ? "1 node" : `${open} nodes`;
  return `on ${on}, 32-bit system calls (int 0x80) are neither seen nor stopped`;
}

/** What `policy check`, which knows no node, notes of a policy. */
export function unseenNotes(sets: readonly Hooks[]): readonly string[] {
  if (!hooksSystemCalls(sets)) return [];
  return [
    "hooks on system calls see no 32-bit ones (int 0x80), where a node's kernel takes those; hooks on security_ functions do",
  ];
}
