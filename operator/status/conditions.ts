import { stamp } from "@guardbee/kube";
import type { ConditionType, PolicyStatus, StatusCondition } from "@guardbee/policy";
import { refusalReasons } from "../judge/judgement.ts";

/** Of a roll-out that goes on, and of one that does not by itself. */
const underWay = ["RollingOut", "RolloutPaused"] as const;
const stopped = ["RolloutHalted", "RolloutUndone"] as const;
/** Of a policy that is in monitor mode first, likewise. */
const tried = "MonitoringFirst";
const notPromoted = "WouldStop";

/**
 * Every reason of every condition type, by status.
 * - `Accepted`: the policy is well-formed and allowed. `EvaluationFailed`: the built-in Rego gave
 *   no answer; it is tried again.
 * - `ResolvedRefs`: what the policy refers to exists. `BundleFailed`: the source of its bundle gives
 *   none that can be used; the last good one is.
 * - `Programmed`: the kernels of its nodes hold it. `NotAccepted`: an earlier accepted generation
 *   may still be in force. `DistributionFailed`: the API server takes no SelectorSet with this
 *   content, as with CRDs that are older than the operator; it is tried again. `NoNodes`: its node
 *   selector matches none. `RollingOut`, `RolloutPaused`, `RolloutHalted`, `RolloutUndone`: some
 *   nodes are to hold the version before (docs/concepts/roll-outs.md).
 * - `Enforcing`: it stops what it says. `MonitorMode`: asked to only report. `ReportsOnly`: it
 *   has no action that stops anything.
 * - `Ready`: the summary, with the reason of what it depends on.
 * - `Stalled`: present while only a change of the policy (or of a node) can help.
 * - `Reconciling`: present while nodes have yet to report.
 */
export const reasons = {
  Accepted: {
    True: ["Accepted"],
    False: refusalReasons,
    Unknown: ["EvaluationFailed"],
  },
  ResolvedRefs: { True: ["ResolvedRefs"], False: ["BundleFailed"], Unknown: [] },
  Programmed: {
    True: ["Programmed", "NoNodes", "GuardsPolicies"],
    False: ["NodesFailed", "NotAccepted", "DistributionFailed", ...stopped],
    Unknown: ["Pending", "NodesUnreachable", "EvaluationFailed", ...underWay],
  },
  Enforcing: {
    True: ["Enforcing", "GuardsPolicies"],
    False: [
      ...(["MonitorMode", "ReportsOnly", "NoNodes"] as const),
      ...(["NodesFailed", "NotAccepted", "DistributionFailed", ...stopped] as const),
    ],
    Unknown: ["Pending", "NodesUnreachable", "EvaluationFailed", ...underWay],
  },
  Ready: {
    True: ["Programmed", "NoNodes", "GuardsPolicies"],
    False: ["NodesFailed", "DistributionFailed", ...refusalReasons, ...stopped, notPromoted],
    Unknown: ["Pending", "NodesUnreachable", "EvaluationFailed", ...underWay, tried],
  },
  Stalled: {
    True: ["NodesFailed", ...refusalReasons, ...stopped, notPromoted],
    False: [],
    Unknown: [],
  },
  Reconciling: {
    True: ["Pending", "EvaluationFailed", "DistributionFailed", ...underWay, tried],
    False: [],
    Unknown: [],
  },
} as const satisfies Record<ConditionType, Record<Status, readonly string[]>>;

type Status = StatusCondition["status"];

/** A condition before it has its generation and time. */
export type ConditionDraft = {
  readonly [T in ConditionType]: {
    readonly [S in Status]: {
      readonly type: T;
      readonly status: S;
      readonly reason: (typeof reasons)[T][S][number];
      readonly message: string;
    };
  }[Status];
}[ConditionType];

export const accepted: ConditionDraft = {
  type: "Accepted",
  status: "True",
  reason: "Accepted",
  message: "the policy is valid",
};

export const resolved: ConditionDraft = {
  type: "ResolvedRefs",
  status: "True",
  reason: "ResolvedRefs",
  message: "it refers to no other object",
};

/** Conditions of one generation; lastTransitionTime moves only when the status of a type changes. */
export function stampConditions(
  drafts: readonly ConditionDraft[],
  at: {
    readonly generation: number;
    readonly nowMs: number;
    readonly previous: PolicyStatus | undefined;
  },
): readonly StatusCondition[] {
  return drafts.map(({ type, status, reason, message }) => {
    const before = at.previous?.conditions?.find((one) => one.type === type);
    const lastTransitionTime =
      before?.status === status ? before.lastTransitionTime : stamp(at.nowMs);
    return { type, status, observedGeneration: at.generation, lastTransitionTime, reason, message };
  });
}
