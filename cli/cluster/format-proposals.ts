import type { ExecProposal } from "@guardbee/policy";
import { type Found, titleOf } from "./find-proposal.ts";
import { formatFacts, formatTable, section } from "./table.ts";

/** Every proposal on one line. */
export function formatProposalList(all: readonly Found[], columns: number | undefined): string {
  const head = ["KIND", "NAMESPACE", "NAME", "EXECUTABLES", "REPLICAS", "RESTARTS", "COVERED"];
  const rows = all.map(({ kind, namespace = "", name, proposal }) => {
    const { executables, coverage } = proposal;
    const covered = conditionOf(proposal)?.status ?? "";
    return [
      ...[kind, namespace, name, executables.length],
      ...[coverage.summary, coverage.restarts, covered],
    ];
  });
  return formatTable(head, rows, columns);
}

/** One proposal with all that it lists. */
export function formatProposal(found: Found, columns: number | undefined): string {
  const { proposal } = found;
  const { executables, omitted, coverage } = proposal;
  const condition = conditionOf(proposal);
  const facts = formatFacts([
    ["Policy", titleOf(found)],
    ["Covered", condition && `${condition.status} (${condition.reason}): ${condition.message}`],
    ["Replicas", `${coverage.summary} seen from their start`],
    ["Restarts", String(coverage.restarts)],
    ["Learns since", coverage.since],
    ["Not listed", omitted === undefined ? undefined : `at least ${omitted} execs of others`],
  ]);
  const rows = executables.map(
    ({ path, fromImage, parents = [], workloads, nodes, count, denied }) => [
      ...[path, fromImage === true ? "yes" : "unknown", denied === true ? "yes" : "no"],
      ...[count, nodes, workloads.join(", "), parents.join(", ")],
    ],
  );
  const head = ["EXECUTABLE", "FROM IMAGE", "DENIED", "COUNT", "NODES", "WORKLOADS", "STARTED BY"];
  return `${facts}${section(head, rows, columns)}`;
}

function conditionOf({ status }: ExecProposal) {
  return status?.conditions?.find(({ type }) => type === "Covered");
}
