import { stamp } from "@guardbee/kube";
import type { ExecProposal, Learn, ProposalCoverage, StatusCondition } from "@guardbee/policy";
import type { Gathered } from "./gathered.ts";

export type CoverageInput = {
  readonly learn: Learn;
  /** What was proposed last. */
  readonly before: ExecProposal | undefined;
  /** Every node of the policy that can be reached holds it. */
  readonly held: boolean;
  /** Wall time, in ms. */
  readonly nowMs: number;
};

/** How much of what runs was seen. */
export function coverageOf({ pods, sinceStart, starts, sinceMs }: Gathered): ProposalCoverage {
  return {
    ...{ pods, sinceStart, restarts: Math.max(starts - sinceStart, 0) },
    ...(Number.isFinite(sinceMs) ? { since: stamp(sinceMs) } : {}),
    summary: `${sinceStart}/${pods}`,
  };
}

/** Whether what was seen is enough to enforce, and when time alone makes it so. */
export function coveredCondition(
  input: CoverageInput,
  coverage: ProposalCoverage,
): { readonly condition: StatusCondition; readonly dueInMs: number } {
  const { before, nowMs } = input;
  const { dueInMs = Number.POSITIVE_INFINITY, ...state } = judge(input, coverage);
  const was = before?.status?.conditions?.find(({ type }) => type === "Covered");
  const same = was?.status === state.status;
  // No observedGeneration: a proposal has no spec, and its generation is that of what it lists itself;
  // kubectl wait and kstatus take an older one for a status that is yet to come.
  const condition = {
    ...{ type: "Covered", ...state },
    lastTransitionTime: same ? was.lastTransitionTime : stamp(nowMs),
  };
  return { condition, dueInMs };
}

type State = Pick<StatusCondition, "status" | "reason" | "message"> & { readonly dueInMs?: number };

function judge(
  { learn, held, nowMs }: CoverageInput,
  { pods, sinceStart, restarts, since }: ProposalCoverage,
): State {
  const lacks = (reason: string, message: string): State => ({ status: "False", reason, message });
  if (!held) {
    return lacks("NodesPending", "not every node holds the policy; guardbee status says which");
  }
  if (pods === 0 || since === undefined) {
    return lacks("NoReplicas", "no pod in its scope runs on a node that has reported");
  }
  if (sinceStart < pods) {
    const seen = `${sinceStart} of ${pods} replicas were seen from their start`;
    return lacks("ReplicasNotSeen", `${seen}; restart the others: kubectl rollout restart`);
  }
  if (restarts < learn.minRestarts) {
    const had = `${restarts} of ${learn.minRestarts} restarts`;
    return lacks(
      "TooFewRestarts",
      `${had} since ${since}; kubectl rollout restart is one a replica`,
    );
  }
  const dueInMs = Date.parse(since) + learn.minDurationMs - nowMs;
  if (dueInMs > 0) {
    const message = `learns since ${since}, and is to until ${stamp(nowMs + dueInMs)}`;
    return { ...lacks("TooShort", message), dueInMs };
  }
  const message = `${sinceStart}/${pods} replicas since start, ${restarts} restarts, since ${since}`;
  return { status: "True", reason: "Covered", message };
}
