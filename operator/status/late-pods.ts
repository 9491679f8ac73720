import type { NodeState } from "./node-state.ts";

/**
 * What the status of a policy says beside "in force": in how many pods it has not been from their
 * first instruction on, because they came while their node had no agent. Undefined where none. Pure.
 */
export function lateOn(nodes: readonly NodeState[]): string | undefined {
  const late = nodes.flatMap((one) => (one.state === "programmed" && one.latePods) || []);
  if (late.length === 0) return undefined;
  const pods = late.reduce((sum, count) => sum + count, 0);
  const which = pods === 1 ? "1 pod came" : `${pods} pods came`;
  return `${which} while ${late.length === 1 ? "its node" : `${late.length} nodes`} had no agent, and it was not in force there at first`;
}
