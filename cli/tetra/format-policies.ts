import {
  HookState,
  TracingPolicyMode,
  TracingPolicyState,
  type TracingPolicyStatus,
} from "@guardbee/agent/grpc-client";
import { tabbed } from "./tabbed.ts";

const head = [
  ...["ID", "NAME", "DOMAIN", "STATE", "FILTERID", "NAMESPACE", "SENSORS"],
  ...["KERNELMEMORY", "MODE", "NPOST", "NENFORCE", "NMONITOR"],
];

/** As upstream's table (upstream-events-cli.md §3.2). */
export function formatPolicies(policies: readonly TracingPolicyStatus[]): string {
  const rows = policies.map((policy) => {
    const { id, name, domain, state, filterId, namespace, sensors, mode } = policy;
    const counters = policy.stats?.actionCounters;
    const sum = (...counts: readonly (bigint | undefined)[]) =>
      String(counts.reduce<bigint>((all, one) => all + (one ?? 0n), 0n));
    return [
      ...[String(id), name, domain, nameIn(TracingPolicyState, "TP_STATE_", state)],
      ...[String(filterId), namespace || "(global)", sensors.join(",")],
      ...[humanBytes(policy.kernelMemoryBytes), nameIn(TracingPolicyMode, "TP_MODE_", mode)],
      sum(counters?.post),
      sum(counters?.signal, counters?.override, counters?.notifyEnforcer, counters?.set),
      sum(
        ...[counters?.monitorSignal, counters?.monitorOverride],
        ...[counters?.monitorNotifyEnforcer, counters?.monitorSet],
      ),
    ];
  });
  const lines = tabbed([head, ...rows]).split("\n");
  const indent = lines[0]!.indexOf("NAME");
  return policies.reduce(
    (text, policy, i) => `${text}${lines[i + 1]}\n${hookTable(policy, indent)}`,
    `${lines[0]}\n`,
  );
}

/** Below a policy of which only a part is in force. */
function hookTable({ state, hookStatuses }: TracingPolicyStatus, indent: number): string {
  if (state !== TracingPolicyState.TP_STATE_PARTIALLY_ENABLED) return "";
  const rows = hookStatuses.map(({ section, hookIdx, hookDescription, state: hook }) => [
    ...[section, String(hookIdx), hookDescription, nameIn(HookState, "STATUS_", hook)],
  ]);
  const table = tabbed([["SECTION", "CFGIDX", "DESCRIPTION", "STATUS"], ...rows]);
  return table.replaceAll(/^(?=.)/gm, " ".repeat(indent));
}

function nameIn(names: Readonly<Record<string, number>>, prefix: string, value: number): string {
  const found = Object.entries(names).find(([, number]) => number === value)?.[0];
  return found === undefined ? String(value) : found.slice(prefix.length).toLowerCase();
}

/** `12 B`, `1.50 kB`: steps of 1000. */
export function humanBytes(bytes: bigint): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
  let value = Number(bytes);
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return unit === 0 ? `${value} B` : `${value.toFixed(2)} ${units[unit]}`;
}
