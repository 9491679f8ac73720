import { stamp } from "@guardbee/kube";
import { changeSets, type TrialStatus } from "@guardbee/policy";
import type { SetEntry } from "../fleet/objects.ts";
import type { Accepted } from "../judge/judgement.ts";
import type { StopCount } from "./stops.ts";

export type TrialInput = {
  readonly judged: Accepted;
  /** How long it is to stop nothing; undefined: no trial is asked for. */
  readonly monitorFirstMs: number | undefined;
  readonly there: SetEntry | undefined;
  /** Of the policy's present status. */
  readonly before: TrialStatus | undefined;
  readonly stops: (hash: string) => Pick<StopCount, "count" | "nodes">;
  /** Whether every node that can be reached holds what is there. */
  readonly held: boolean;
  /** Wall time, in ms. */
  readonly nowMs: number;
};

export type Tried = {
  /** What nodes are to hold now. */
  readonly judged: Accepted;
  /** Present during a trial. */
  readonly trial?: TrialStatus;
  /** When the trial may be over; Infinity when only a report or an edit can end it. */
  readonly dueInMs: number;
};

const maxNodes = 5;

/**
 * Monitor first: a policy that asks for it is in force in monitor mode until it has stopped nothing
 * for that time, and then enforces. Pure. Only what does not enforce yet is tried: an edit of a
 * policy in force would otherwise open what it closed.
 */
export function monitorFirst(input: TrialInput): Tried {
  const { judged, monitorFirstMs, there, before, stops, held, nowMs } = input;
  const inForce = there !== undefined && there.hash !== "" && there.mode === "enforce";
  const wanted = monitorFirstMs !== undefined && judged.enforces && judged.mode === "enforce";
  if (!wanted || inForce) return { judged, dueInMs: Number.POSITIVE_INFINITY };
  const monitored = monitorVersion(judged);
  const { hash } = monitored;
  const beganMs = Date.parse(before?.since ?? "");
  const readable = !Number.isNaN(beganMs);
  const known = there?.hash === hash && before?.hash === hash && readable ? before : undefined;
  const sinceMs = known === undefined ? nowMs : beganMs;
  const now = known === undefined ? none : stops(hash);
  // Counts end with a node that goes, and with an agent of another version.
  const wouldStop = Math.max(now.count, known?.wouldStop ?? 0);
  const nodes = [...new Set([...(known?.nodes ?? []), ...now.nodes])].sort().slice(0, maxNodes);
  const dueInMs = sinceMs + monitorFirstMs - nowMs;
  if (wouldStop === 0 && known !== undefined && held && dueInMs <= 0) {
    return { judged, dueInMs: Number.POSITIVE_INFINITY };
  }
  const trial: TrialStatus = {
    state: wouldStop === 0 ? "Monitoring" : "Held",
    hash,
    since: stamp(sinceMs),
    wouldStop,
    ...(nodes.length === 0 ? {} : { nodes }),
  };
  const waits = wouldStop > 0 || dueInMs <= 0;
  return { judged: monitored, trial, dueInMs: waits ? Number.POSITIVE_INFINITY : dueInMs };
}

const none = { count: 0, nodes: [] } as const;

function monitorVersion(judged: Accepted): Accepted {
  const requested = judged.requested ?? judged.mode;
  return { ...judged, mode: "monitor", requested, ...changeSets(judged.sets, { mode: "monitor" }) };
}
