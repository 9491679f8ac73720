import { type NodeGroup, type PolicyReport, policyTitle } from "@guardbee/operator/report";
import { formatFacts, formatTable, section } from "./table.ts";

/** One policy, with its conditions, nodes and guard rails. */
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

function formatSample({ nodes = [], count }: NodeGroup): string {
  const more = count - nodes.length;
  if (nodes.length === 0) return "";
  return `${nodes.join(", ")}${more > 0 ? ` +${more} more` : ""}`;
}
