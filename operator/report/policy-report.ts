import type { PolicyStatus, StatusCondition } from "@guardbee/policy";
import type { PolicyEntry, SetEntry } from "../fleet/objects.ts";

/** Nodes that are in one state for one reason. */
export type NodeGroup = {
  readonly state: "programmed" | "failed" | "pending" | "waiting" | "unreachable";
  readonly count: number;
  readonly reason?: string;
  readonly kernel?: string;
  readonly arch?: string;
  /** Some of them. */
  readonly nodes?: readonly string[];
  readonly message?: string;
};

/** A policy's status as `guardbee status` prints it. */
export type PolicyReport = {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly generation: number;
  /** The generation that the rest is about; smaller: the operator has not seen the newest yet. */
  readonly observedGeneration?: number;
  readonly mode: NonNullable<PolicyStatus["mode"]>;
  /** `4987/5000` */
  readonly nodes?: string;
  readonly nodesByReason: readonly NodeGroup[];
  readonly conditions: readonly StatusCondition[];
  readonly selectorSet?: { readonly name: string; readonly hash: string };
  readonly rollout?: NonNullable<PolicyStatus["rollout"]>;
  readonly trial?: NonNullable<PolicyStatus["trial"]>;
  readonly rego?: NonNullable<PolicyStatus["rego"]>;
  readonly guardRails?: NonNullable<PolicyStatus["guardRails"]>;
};

/** What is known of a policy: its own status, and the set that was made of it. Pure. */
export function reportPolicy(policy: PolicyEntry, set: SetEntry | undefined): PolicyReport {
  const status = policy.status ?? {};
  const { name, namespace } = policy.object.metadata;
  const { observedGeneration, mode = {}, conditions = [], nodes, rego, guardRails } = status;
  const { rollout, trial } = status;
  return {
    kind: policy.resource.kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    generation: policy.generation,
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    mode,
    ...(nodes?.summary === undefined ? {} : { nodes: nodes.summary }),
    nodesByReason: groupNodes(status),
    conditions: [...conditions].sort((a, b) => rank(a) - rank(b)),
    ...(set === undefined ? {} : { selectorSet: { name: set.name, hash: set.hash } }),
    ...(rollout === undefined ? {} : { rollout }),
    ...(trial === undefined ? {} : { trial }),
    ...(rego === undefined ? {} : { rego }),
    ...(guardRails === undefined ? {} : { guardRails }),
  };
}

/** Failures by reason, then what is not failed, leaving out what there is none of. */
function groupNodes({ nodes = {}, failures = [] }: PolicyStatus): readonly NodeGroup[] {
  const groups: NodeGroup[] = failures.map(({ reason, message, kernel, arch, count, nodes }) => ({
    ...{ state: "failed", count, reason, kernel, arch, nodes, message },
  }));
  const grouped = failures.reduce((sum, { count }) => sum + count, 0);
  const { failed = 0 } = nodes;
  if (failed > grouped) {
    groups.push({ state: "failed", count: failed - grouped, message: "for other reasons" });
  }
  for (const state of ["pending", "waiting", "unreachable", "programmed"] as const) {
    const count = nodes[state] ?? 0;
    if (count > 0) groups.push({ state, count });
  }
  return groups;
}

const order = ["Ready", "Accepted", "ResolvedRefs", "Programmed", "Enforcing"];

/** The summary first; then what it depends on, in order; then what is there only while true. */
function rank({ type }: StatusCondition): number {
  const index = order.indexOf(type);
  return index === -1 ? order.length : index;
}
