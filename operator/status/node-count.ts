import type { PolicyStatus } from "@guardbee/policy";
import { cut, maxSummaryBytes } from "./cut.ts";
import { listNames } from "./failure-groups.ts";
import type { NodeState } from "./node-state.ts";

export type Count = Record<NodeState["state"] | "desired", number>;

/** How many nodes are in each state. */
export function countStates(nodes: readonly NodeState[]): Count {
  const none = { programmed: 0, failed: 0, pending: 0, waiting: 0, unreachable: 0 };
  const count = { desired: nodes.length, ...none };
  for (const { state } of nodes) count[state]++;
  return count;
}

/** As a policy's status has it. */
export function countStatus({ waiting, ...count }: Count): NonNullable<PolicyStatus["nodes"]> {
  const summary = `${count.programmed}/${count.desired}`;
  return { ...count, ...(waiting === 0 ? {} : { waiting }), summary };
}

/** At most five of the nodes in a state, sorted. */
export function named(nodes: readonly NodeState[], state: NodeState["state"]): string {
  const names = nodes.filter((one) => one.state === state).map(({ node }) => node);
  return cut(listNames(names), maxSummaryBytes);
}
