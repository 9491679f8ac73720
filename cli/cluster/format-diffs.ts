import {
  type Change,
  type Effect,
  effects,
  type PodChange,
  type PolicyDiff,
  type SelectorChange,
  type SetDiff,
} from "@guardbee/operator/report";
import { formatProblem, indented, oneLine } from "@guardbee/policy";
import { section } from "./table.ts";

/** Pods listed in a table; the rest is counted, and all are there for machines. */
const maxRows = 40;

export function formatDiffs(diffs: readonly PolicyDiff[], columns: number | undefined): string {
  const rows = diffs.flatMap((one) =>
    one.verdict === "refused"
      ? []
      : one.pods.map(({ effect, namespace, pod, containers, node }) => [
          ...[effect, one.policy, namespace, pod, node, containers.join(", ")],
        ]),
  );
  const more = rows.length - maxRows;
  const head = ["PODS", "POLICY", "NAMESPACE", "NAME", "NODE", "CONTAINERS"];
  return [
    ...diffs.map(formatDiff),
    section(head, rows.slice(0, maxRows), columns),
    more > 0 ? `and ${more} more; -o json lists all\n` : "",
  ].join("");
}

function formatDiff(diff: PolicyDiff): string {
  const title = `${oneLine(diff.policy)}: ${diff.verdict}`;
  if (diff.verdict === "refused") {
    return lines([title, ...diff.problems.map((one) => `  ${formatProblem(one)}`)]);
  }
  if (diff.verdict === "unchanged") return lines([title, ...diff.notes.map(formatNote)]);
  return lines([
    title,
    ...formatChange("mode", diff.mode),
    ...formatChange("scope", diff.scope),
    ...formatChange("nodes", diff.nodes),
    `  selectors: ${countSelectors(diff)}`,
    ...diff.selectors.flatMap(formatSelector),
    ...formatPods(diff.pods),
    ...formatHosts(diff.hosts),
    ...diff.notes.map(formatNote),
  ]);
}

function formatChange(label: string, change: Change | undefined): readonly string[] {
  if (change === undefined) return [];
  return [`  ${`${label}:`.padEnd(10)} ${change.before} -> ${change.after}`];
}

function countSelectors({ selectors, unchanged, reordered }: SetDiff): string {
  const of = (change: SelectorChange["change"]) =>
    selectors.filter((one) => one.change === change).length;
  const counts = `${of("new")} new, ${of("changed")} changed, ${of("removed")} removed`;
  return `${counts}, ${unchanged} as before${reordered ? " in another order" : ""}`;
}

function formatSelector({ change, hook, before, after }: SelectorChange): readonly string[] {
  switch (change) {
    case "new":
      return [`    + ${hook}: ${after}`];
    case "removed":
      return [`    - ${hook}: ${before}`];
    case "changed":
      return [`    ~ ${hook}: ${after}`, `      was: ${before}`];
  }
}

function formatPods(pods: readonly PodChange[]): readonly string[] {
  if (pods.length === 0) return ["  pods:      none is concerned"];
  const counts = effects.map((effect) => [effect, count(pods, effect)] as const);
  const nodes = new Set(pods.map(({ node }) => node)).size;
  return [`  pods:      ${listCounts(counts)}, on ${nodes} ${nodes === 1 ? "node" : "nodes"}`];
}

function count(pods: readonly PodChange[], effect: Effect): number {
  return pods.filter((one) => one.effect === effect).length;
}

function formatHosts(hosts: Readonly<Record<Effect, readonly string[]>>): readonly string[] {
  const counts = effects.map((effect) => [effect, hosts[effect].length] as const);
  const text = listCounts(counts);
  return text === "" ? [] : [`  hosts:     ${text}`];
}

/** `3 gain it, 1 loses it`: one of a thing gains, several gain. */
function listCounts(counts: readonly (readonly [Effect, number])[]): string {
  return counts
    .filter(([, n]) => n > 0)
    .map(([effect, n]) => `${n} ${n === 1 ? effect : effect.slice(0, -1)} it`)
    .join(", ")
    .replaceAll(/(changes?) it/g, "$1");
}

function formatNote(note: string): string {
  return `  note:      ${note}`;
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${indented(line)}\n`).join("");
}
