import type { RolloutOrder, RolloutStatus, TrialStatus } from "@guardbee/policy";
import { failuresHalt } from "../rollout/halt.ts";
import type { ConditionDraft } from "./conditions.ts";
import { cut, maxSummaryBytes } from "./cut.ts";
import { failureGroups, listNames } from "./failure-groups.ts";
import { type Count, named } from "./node-count.ts";
import type { NodeState } from "./node-state.ts";

/** A roll-out of which some nodes are to wait. */
export type RollOutView = {
  /** Counts from 1; 0: undone. */
  readonly wave: number;
  readonly waves: number;
  readonly order?: RolloutOrder;
  /** Calls that it stopped so far, and the most that it may; where there is a limit. */
  readonly stops?: number;
  readonly maxStops?: number;
  /** More than it may, by the rule of operator/rollout/halt.ts. */
  readonly stopsTooMuch?: boolean;
};

/** Of an accepted policy that is not to be in force everywhere, or not in its own mode, yet. */
export type Stages = {
  readonly rollout: RolloutStatus | undefined;
  readonly trial: TrialStatus | undefined;
  readonly maxStops: number | undefined;
};

export type ProgrammedDraft = { readonly type: "Programmed"; readonly message: string } & (
  | { readonly status: "True"; readonly reason: "Programmed" | "NoNodes" }
  | {
      readonly status: "False";
      readonly reason: "NodesFailed" | "RolloutHalted" | "RolloutUndone";
    }
  | {
      readonly status: "Unknown";
      readonly reason: "Pending" | "NodesUnreachable" | "RollingOut" | "RolloutPaused";
    }
);

/** What the status shows of a roll-out; undefined when no node is to wait. */
export function rolloutStatus(
  rollout: RollOutView | undefined,
  count: Count,
): RolloutStatus | undefined {
  if (rollout === undefined) return undefined;
  const { wave, waves, order, stops, stopsTooMuch = false } = rollout;
  const at = { wave, waves, ...(stops === undefined ? {} : { stops }) };
  if (wave === 0) return { state: "Undone", ...at };
  const halted = failuresHalt(count) || stopsTooMuch;
  if (halted && order !== "force") return { state: "Halted", ...at };
  return { state: order === "pause" ? "Paused" : "Progressing", ...at };
}

/** In force in monitor mode, and not yet what was asked for. */
export function triedDrafts(
  drafts: readonly ConditionDraft[],
  trial: TrialStatus,
): ConditionDraft[] {
  const { state, wouldStop, nodes = [], since } = trial;
  const rest = drafts.filter(({ type }) => type !== "Ready");
  if (state === "Monitoring") {
    const message = `monitor mode first: it would have stopped nothing since ${since}`;
    const reason = "MonitoringFirst";
    return [
      ...rest,
      { type: "Ready", status: "Unknown", reason, message },
      { type: "Reconciling", status: "True", reason, message },
    ];
  }
  const what = `would have stopped at least ${wouldStop} calls since ${since} (${listNames(nodes)})`;
  const fix =
    "correct the policy, or remove the annotation guardbee.io/monitor-first to enforce it";
  const message = `stays in monitor mode: ${what}; ${fix}`;
  return [
    ...rest,
    { type: "Ready", status: "False", reason: "WouldStop", message },
    { type: "Stalled", status: "True", reason: "WouldStop", message },
  ];
}

/** While nodes are to wait for their wave. */
export function rollingOutDraft(
  { state, wave, waves, stops = 0 }: RolloutStatus,
  count: Count,
  nodes: readonly NodeState[],
  maxStops: number | undefined,
): ProgrammedDraft {
  const type = "Programmed";
  const rest = `${count.waiting} nodes stay as they were`;
  if (state === "Undone") {
    const fix = "remove the annotation guardbee.io/rollout to roll it out again";
    return { type, status: "False", reason: "RolloutUndone", message: `undone: ${rest}; ${fix}` };
  }
  const where = `wave ${wave} of ${waves}`;
  if (state === "Halted") {
    const [first] = failureGroups(nodes);
    const why =
      first === undefined || !failuresHalt(count)
        ? `it stopped at least ${stops} calls, more than ${maxStops}`
        : `${named(nodes, "failed")} cannot hold it: ${first.reason}: ${first.message}`;
    const message = cut(`halted in ${where}, ${rest}: ${why}`, maxSummaryBytes);
    return { type, status: "False", reason: "RolloutHalted", message };
  }
  const lacking = count.failed > 0 ? `; ${named(nodes, "failed")} cannot hold it` : "";
  const on = `in force on ${count.programmed} of ${count.desired} nodes`;
  const message = cut(`${where}: ${on}${lacking}; ${rest}`, maxSummaryBytes);
  const reason = state === "Paused" ? "RolloutPaused" : "RollingOut";
  return { type, status: "Unknown", reason, message };
}
