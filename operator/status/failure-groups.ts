import type { PolicyStatus } from "@guardbee/policy";
import { cut } from "./cut.ts";
import type { NodeState } from "./node-state.ts";

export type FailureGroup = NonNullable<PolicyStatus["failures"]>[number];

const maxGroups = 10;
/** Nodes that a group or a list names. */
export const maxNodes = 5;
const maxMessageBytes = 200;

/**
 * Failed nodes by (reason, kernel, arch), most nodes first: at most 10 groups of at most `samples`
 * nodes. A group's message is that of its first node by name.
 */
export function failureGroups(
  nodes: readonly NodeState[],
  samples = maxNodes,
): readonly FailureGroup[] {
  const groups = new Map<string, Extract<NodeState, { state: "failed" }>[]>();
  for (const one of nodes) {
    if (one.state !== "failed") continue;
    const key = [one.reason, one.kernel, one.arch].join("\0");
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return [...groups.values()]
    .map((members) => {
      const sorted = members.sort((a, b) => compare(a.node, b.node));
      const { reason, message, kernel, arch } = sorted[0]!; // a group has a member
      return {
        reason,
        message: cut(message, maxMessageBytes),
        kernel,
        arch,
        count: sorted.length,
        nodes: sorted.slice(0, samples).map(({ node }) => node),
      };
    })
    .sort((a, b) => b.count - a.count || compare(sortKey(a), sortKey(b)))
    .slice(0, maxGroups);
}

/** At most five names, sorted, then "+N more". */
export function listNames(names: readonly string[]): string {
  const shown = [...names].sort(compare).slice(0, maxNodes);
  const more = names.length - shown.length;
  return more > 0 ? `${shown.join(", ")} +${more} more` : shown.join(", ");
}

function sortKey(group: FailureGroup): string {
  return [group.reason, group.kernel, group.arch].join("\0");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
