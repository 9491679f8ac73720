import { anyHolds, type PodReport, titleOf } from "@guardbee/operator/report";
import { formatFacts, section } from "./table.ts";

/** What holds for a pod, and where asked for what does not, and why. */
export function formatPodReport(report: PodReport, columns: number | undefined): string {
  const { namespace, name, node, notes, policies, others = [] } = report;
  const rows = policies.map((one) => [
    titleOf(one),
    one.mode,
    one.version === "before" ? `${one.inForce} (version before)` : one.inForce,
    one.state,
    one.containers.join(", "),
    one.message === undefined ? one.selector : `${one.selector} (${one.message})`,
  ]);
  const head = ["POLICY", "MODE", "IN FORCE", "ON THE NODE", "CONTAINERS", "SELECTED BY"];
  return [
    formatFacts([
      ["Pod", `${namespace}/${name}`],
      ["Node", node ?? "not scheduled yet"],
      ...notes.map((note) => ["Note", note] as const),
    ]),
    section(head, rows, columns),
    conclusion(report),
    section(
      ["NOT IN FORCE HERE", "WHY"],
      others.map(({ policy, why }) => [policy, why]),
      columns,
    ),
  ].join("");
}

/** What the table does not say by itself: that nothing holds. */
function conclusion(report: PodReport): string {
  switch (anyHolds(report)) {
    case "yes":
      return "";
    case "no":
      return "\nNo policy holds for this pod.\n";
    case "unknown":
      return "\nWhether a policy holds for this pod is not known.\n";
  }
}
