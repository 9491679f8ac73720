import type { Mode, PolicyStatus } from "@guardbee/policy";
import { acceptedDrafts } from "./accepted-drafts.ts";
import { type ConditionDraft, stampConditions } from "./conditions.ts";
import { failureGroups, maxNodes } from "./failure-groups.ts";
import { type Count, countStates, countStatus } from "./node-count.ts";
import type { NodeState } from "./node-state.ts";
import type { ShownJudgement } from "./shown-judgement.ts";
import { type RollOutView, rolloutStatus, type Stages } from "./stages.ts";
import {
  guardsDrafts,
  refsDraft,
  refusedDrafts,
  undistributedDrafts,
  unknownDrafts,
} from "./unaccepted-drafts.ts";

export type RollUpInput = {
  readonly generation: number;
  readonly previous: PolicyStatus | undefined;
  readonly judged: ShownJudgement;
  /** Its nodes. Of a policy that is not accepted: what its last accepted generation is there. */
  readonly nodes: readonly NodeState[];
  readonly nowMs: number;
  /** Why the API server does not take what was accepted; `nodes` is then about what was before. */
  readonly undistributed?: string | undefined;
  readonly rollout?: RollOutView | undefined;
  readonly trial?: PolicyStatus["trial"] | undefined;
  /** Why what it refers to cannot be had. */
  readonly unresolved?: string | undefined;
  readonly rego?: PolicyStatus["rego"];
  readonly guardRails?: PolicyStatus["guardRails"];
};

const maxStatusBytes = 8_000;

/**
 * The status of a policy from what its nodes report. Pure. Precedence of `Ready`: not accepted or
 * not judged; not distributed; a roll-out that is undone, halted or under way; without a roll-out
 * failed nodes, then pending ones, then "all unreachable"; and where all of that is well, a trial in
 * monitor mode. Unreachable nodes beside programmed ones are counted and named, and hold up nothing. At most 10 problems or failure
 * groups, and 8 kB in all, whatever the size of the policy and the fleet.
 */
export function rollUp(input: RollUpInput): PolicyStatus {
  const { generation, previous, judged, nodes, nowMs } = input;
  const count = countStates(nodes);
  const isAccepted = judged.kind === "accepted";
  const rollout = isAccepted ? rolloutStatus(input.rollout, count) : undefined;
  const trial = isAccepted ? input.trial : undefined;
  const stages = { rollout, trial, maxStops: input.rollout?.maxStops };
  const drafts = draftsOf(input, count, stages).map((one) =>
    one.type === "ResolvedRefs" ? refsDraft(input.unresolved) : one,
  );
  const requested = requestedMode(judged);
  const { rego, guardRails = [] } = input;
  const distributed = judged.kind === "accepted" && input.undistributed === undefined;
  const status: PolicyStatus = {
    observedGeneration: generation,
    conditions: stampConditions(drafts, { generation, nowMs, previous }),
    mode: { ...(requested === undefined ? {} : { requested }), observed: observedMode(input) },
    nodes: countStatus(count),
    ...(rollout === undefined ? {} : { rollout }),
    ...(trial === undefined ? {} : { trial }),
    ...(rego === undefined ? {} : { rego }),
    ...(guardRails.length === 0 ? {} : { guardRails }),
  };
  return distributed ? withFailures(status, nodes) : status; // failures are of this generation
}

/** With as many sample nodes, and then groups, as fit: names of nodes and of kernels may be long. */
function withFailures(status: PolicyStatus, nodes: readonly NodeState[]): PolicyStatus {
  for (let samples = maxNodes; samples >= 0; samples--) {
    let failures = failureGroups(nodes, samples);
    do {
      if (failures.length === 0) return status;
      const whole = { ...status, failures };
      if (Buffer.byteLength(JSON.stringify(whole)) <= maxStatusBytes) return whole;
      failures = failures.slice(0, -1);
    } while (samples === 0);
  }
  return status;
}

function requestedMode(judged: ShownJudgement): Mode | undefined {
  if (judged.kind === "accepted") return judged.requested ?? judged.mode;
  return judged.kind === "refused" ? judged.mode : undefined;
}

function draftsOf(
  { judged, nodes, undistributed }: RollUpInput,
  count: Count,
  stages: Stages,
): ConditionDraft[] {
  switch (judged.kind) {
    case "refused":
      return refusedDrafts(judged, count);
    case "unknown":
      return unknownDrafts(judged.message);
    case "guards":
      return guardsDrafts;
    case "accepted":
      return undistributed === undefined
        ? acceptedDrafts(judged, count, nodes, stages)
        : undistributedDrafts(undistributed, count);
  }
}

/** What the nodes that hold any version of it really do. */
function observedMode({ judged, nodes }: RollUpInput): "enforce" | "monitor" | "mixed" | "none" {
  const modes = new Set<Mode>();
  for (const one of nodes) {
    if (one.state === "programmed") modes.add(one.mode);
    else if (one.state !== "unreachable" && one.holds !== undefined) modes.add(one.holds);
  }
  if (modes.size > 1) return "mixed";
  const [mode = "none"] = modes;
  const reportsOnly = judged.kind === "accepted" && !judged.enforces;
  return mode === "enforce" && reportsOnly ? "monitor" : mode;
}
