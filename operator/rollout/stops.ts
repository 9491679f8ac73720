import type { PolicyStatus } from "@guardbee/policy";
import type { Fleet } from "../fleet/fleet.ts";
import type { SetView } from "./ensure-set.ts";
import { stopsHalt, sumOf, type WaveCount } from "./halt.ts";

/** Calls that were stopped, or would have been, over all nodes, and on which: those sorted alike. */
export type StopCount = {
  readonly count: number;
  readonly nodes: readonly string[];
  readonly each: readonly number[];
};

type Reports = Pick<Fleet, "nodesFor" | "nodeSets">;

/** What nodes report of the calls that a content of a set stopped, or would have. */
export function stopsOf(
  setName: string,
  view: SetView | undefined,
  hash: string,
  fleet: Reports,
): StopCount {
  if (view?.countStops !== true) return { count: 0, nodes: [], each: [] };
  const found = fleet.nodesFor(view.nodes).flatMap((node) => {
    const stops = fleet.nodeSets(node)?.report?.stops ?? [];
    const its = stops.find((one) => one.set === setName && one.hash === hash);
    return its === undefined || its.count === 0 ? [] : [{ node, count: its.count }];
  });
  const each = found.map(({ count }) => count);
  return { count: sumOf(each), nodes: found.map(({ node }) => node), each };
}

/** Whether a node has stops that its report had no room for, and so perhaps of this set. */
export function mayOmitStops(setName: string, node: string, fleet: Reports): boolean {
  const { stops = [], stopsOmitted = 0 } = fleet.nodeSets(node)?.report ?? {};
  return stopsOmitted > 0 && !stops.some(({ set }) => set === setName);
}

/**
 * Whether the content in `view` stopped more than it may, now or when its wave was halted for that:
 * counts end with a node that goes, and with an agent of another version.
 */
export function stoppedTooMuch(
  stops: StopCount,
  maxStops: number | undefined,
  at: {
    readonly count: WaveCount;
    readonly view: SetView | undefined;
    readonly status: PolicyStatus | undefined;
    readonly generation: number;
  },
): boolean {
  if (stopsHalt(stops.each, at.count, maxStops)) return true;
  const startedMs = at.view?.rollout?.startedMs;
  if (startedMs === undefined || maxStops === undefined) return false;
  const stalled = at.status?.conditions?.find(({ type }) => type === "Stalled");
  const ofThis = stalled?.observedGeneration === at.generation;
  const halted = ofThis && stalled.reason === "RolloutHalted";
  return (
    halted &&
    Date.parse(stalled.lastTransitionTime) >= startedMs &&
    (at.status?.rollout?.stops ?? 0) > maxStops
  );
}
