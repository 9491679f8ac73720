import type { PolicyEntry, SetEntry } from "@guardbee/operator/view";
import type { PolicyStatus, StatusCondition } from "@guardbee/policy";
import { policyTitle } from "./find-policy.ts";
import { formatFacts, formatTable } from "./table.ts";

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

export function formatPolicyReport(report: PolicyReport, columns: number | undefined): string {
  const { kind, namespace, name, mode, conditions, generation, observedGeneration } = report;
  const ready = conditions.find(({ type }) => type === "Ready");
  const stale = observedGeneration !== generation;
  const seen = stale ? `, the operator has seen ${observedGeneration ?? "none"} yet` : "";
  const { rego, rollout, trial } = report;
  const facts = formatFacts([
    ["Policy", policyTitle({ kind, metadata: { name, ...(namespace ? { namespace } : {}) } })],
    ["Ready", ready && `${ready.status} (${ready.reason})`],
    ["Mode", `${mode.observed ?? "none"}, asked for: ${mode.requested ?? "not known"}`],
    ["Nodes", report.nodes],
    ["Roll-out", rollout && `${rollout.state}, wave ${rollout.wave} of ${rollout.waves}`],
    ["Monitor first", trial && `${trial.state}, would stop ${trial.wouldStop} calls so far`],
    ["Generation", `${generation}${seen}`],
    ["Hash", report.selectorSet?.hash || undefined],
    ["Rego", rego && [rego.digest, rego.revision].filter((one) => one !== undefined).join(" ")],
    ["Held back", rego?.held],
  ]);
  const nodeRows = report.nodesByReason.map((group) => [
    ...[group.state, group.count, group.reason ?? "", group.kernel ?? "", group.arch ?? ""],
    ...[formatSample(group), group.message ?? ""],
  ]);
  const conditionRows = conditions.map(({ type, status, reason, message }) => [
    ...[type, status, reason, message],
  ]);
  const railRows = (report.guardRails ?? []).map(({ name, effect, message }) => [
    ...[name, effect, message],
  ]);
  return [
    facts,
    section(["CONDITION", "STATUS", "REASON", "MESSAGE"], conditionRows, columns),
    section(
      ["NODES", "COUNT", "REASON", "KERNEL", "ARCH", "SUCH AS", "MESSAGE"],
      nodeRows,
      columns,
    ),
    section(["GUARD RAIL", "EFFECT", "MESSAGE"], railRows, columns),
  ].join("");
}

/** Every policy on one line, as `kubectl get` would show all kinds at once. */
export function formatPolicyList(
  reports: readonly PolicyReport[],
  columns: number | undefined,
): string {
  const head = ["KIND", "NAMESPACE", "NAME", "MODE", "READY", "NODES", "REASON"];
  const rows = reports.map(({ kind, namespace = "", name, mode, conditions, nodes = "" }) => {
    const ready = conditions.find(({ type }) => type === "Ready");
    const standing = [mode.observed ?? "", ready?.status ?? "", nodes, ready?.reason ?? ""];
    return [kind, namespace, name, ...standing];
  });
  return formatTable(head, rows, columns);
}

/** An empty line and a table; nothing without rows. */
export function section(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  columns: number | undefined,
): string {
  return rows.length === 0 ? "" : `\n${formatTable(head, rows, columns)}`;
}

function formatSample({ nodes = [], count }: NodeGroup): string {
  const more = count - nodes.length;
  if (nodes.length === 0) return "";
  return `${nodes.join(", ")}${more > 0 ? ` +${more} more` : ""}`;
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
