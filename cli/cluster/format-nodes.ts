import type { NodeReport } from "@guardbee/operator/report";
import { formatTable, section } from "./table.ts";

/** `details`: what each of a few nodes can do and cannot hold, below the table. */
export function formatNodeReports(
  reports: readonly NodeReport[],
  show: { readonly nowMs: number; readonly details: boolean },
  columns: number | undefined,
): string {
  const head = ["NAME", "STATE", "POLICIES", "FAILED", "DIGEST", "KERNEL", "REPORTED", "FEATURES"];
  const rows = reports.map((one) => [
    ...[one.name, one.standing, `${one.programmed}/${one.desired}`, one.failed, one.digest],
    ...[one.kernel ?? "", age(one.reportedAt, show.nowMs), (one.features ?? []).join(", ")],
  ]);
  const table = formatTable(head, rows, columns);
  if (!show.details) return table;
  const exceptions = reports.flatMap(({ name, exceptions, exceptionsOmitted = 0 }) => [
    ...exceptions.map(({ set, state, reason, message, earlier }) => [
      ...[name, set, state, reason],
      earlier ? `of a version before: ${message}` : message,
    ]),
    ...(exceptionsOmitted === 0 ? [] : [[name, `+${exceptionsOmitted} more`, "", "", ""]]),
  ]);
  return (
    table + section(["NODE", "SELECTORSET", "STATE", "REASON", "MESSAGE"], exceptions, columns)
  );
}

/** How long ago, as kubectl rounds it: 45s, 12m, 5h, 3d. */
export function age(at: string | undefined, nowMs: number): string {
  if (at === undefined) return "never";
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(at)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
