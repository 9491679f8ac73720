import { formatTable } from "../cluster/table.ts";
import type { Load } from "./load.ts";

/** What one policy has done since the interval before. */
export type StoppedLoad = { readonly stopped: number; readonly wouldStop: number };

/** What is shown of an interval. */
export type Shown = {
  readonly time: string;
  readonly seconds: number;
  readonly load: Load;
  /** By policy: calls that it stopped meanwhile, or would have in monitor mode, whether they were reported or not. */
  readonly stops: ReadonlyMap<string, StoppedLoad>;
};

/** Two tables: which policies, and which processes, make how many events a second. */
export function formatLoad(
  { time, seconds, load, stops }: Shown,
  { rows, columns }: { readonly rows: number; readonly columns: number | undefined },
): string {
  const perSecond = (count: number) => rate(count / seconds);
  const { events, missed, others, policies, processes } = load;
  const lost = missed === 0 ? "" : `, and ${missed} that were not read fast enough`;
  const silent = [...stops].filter(([name]) => !policies.some(({ policy }) => policy === name));
  const first = new Set<string>();
  const ofPolicies = [
    ...policies.slice(0, rows).map(({ policy, call, events }) => {
      const stopped = first.has(policy) ? undefined : stops.get(policy);
      first.add(policy);
      return [policy, call, perSecond(events), ...stopCells(stopped, perSecond)];
    }),
    ...silent.map(([policy, stopped]) => [policy, "", "0", ...stopCells(stopped, perSecond)]),
  ];
  const ofProcesses = processes
    .slice(0, rows)
    .map(({ namespace, pod, binary, events }) => [
      ...[pod === "" ? "(host)" : `${namespace}/${pod}`, binary, perSecond(events)],
    ]);
  return [
    `${time}  ${perSecond(events)} events/s${lost}\n`,
    others === 0 ? "" : `${perSecond(others)} of them are of too many to tell apart\n`,
    "\n",
    formatTable(["POLICY", "CALL", "EVENTS/S", "STOPPED/S", "WOULD STOP/S"], ofPolicies, columns),
    "\n",
    formatTable(["POD", "BINARY", "EVENTS/S"], ofProcesses, columns),
  ].join("");
}

function stopCells(stops: StoppedLoad | undefined, perSecond: (count: number) => string) {
  if (stops === undefined) return ["", ""];
  return [perSecond(stops.stopped), perSecond(stops.wouldStop)];
}

/** Whole, or below ten with one digit. */
function rate(perSecond: number): string {
  return perSecond === 0 || perSecond >= 10 ? String(Math.round(perSecond)) : perSecond.toFixed(1);
}
