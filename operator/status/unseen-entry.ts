import { type Hooks, unseenCalls } from "../judge/unseen-entry.ts";
import type { NodeState } from "./node-state.ts";

/**
 * What the status of a policy says beside "in force": on how many of the nodes that hold it which
 * 32-bit system calls pass it by. Undefined where none does. Pure.
 */
export function unseenOn(sets: readonly Hooks[], nodes: readonly NodeState[]): string | undefined {
  const calls = unseenCalls(sets);
  if (calls === undefined) return undefined;
  const open = nodes.filter((one) => one.state === "programmed" && one.takesInt80).length;
  if (open === 0) return undefined;
  const on = open === 1 ? "1 node" : `${open} nodes`;
  return `on ${on}, 32-bit system calls (int 0x80) by ${calls} are neither seen nor stopped`;
}
