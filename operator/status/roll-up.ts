import {
  formatProblem,
  type Mode,
  type PolicyStatus,
  type Problem,
  type SelectorSet,
} from "@guardbee/policy";
import type { RefusalReason } from "../judge/judgement.ts";
import { type Finding, stampConditions } from "./conditions.ts";
import { cut, maxSummaryBytes } from "./cut.ts";
import { failureGroups, maxNodes } from "./failure-groups.ts";
import { type Count, countStates, countStatus, named } from "./node-count.ts";
import type { NodeState } from "./node-state.ts";
import {
  type ProgrammedFinding,
  type RollOutView,
  rollingOutFinding,
  rolloutStatus,
  type Stages,
  triedFindings,
} from "./stages.ts";
import { unseenOn } from "./unseen-entry.ts";

/** What became of a policy before any node saw it. */
export type Verdict =
  | {
      readonly kind: "accepted";
      readonly mode: Mode;
      /** As written; default mode. */
      readonly requested?: Mode;
      readonly enforces: boolean;
      readonly sets?: readonly Pick<SelectorSet, "hooks">[];
    }
  /** A guard rail: the operator asks it, and no node holds anything of it. */
  | { readonly kind: "guards" }
  | {
      readonly kind: "refused";
      readonly reason: RefusalReason;
      readonly problems: readonly Problem[];
      readonly mode?: Mode;
      /** Of a RegoPolicy: what its last good bundle comes to, which holds instead. */
      readonly lastGood?: object;
    }
  /** Rego gave no answer. */
  | { readonly kind: "unknown"; readonly message: string };

export type RollUpInput = {
  readonly generation: number;
  readonly previous: PolicyStatus | undefined;
  readonly verdict: Verdict;
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

const maxProblems = 10;
const maxProblemsBytes = 3072;
const maxRefusalBytes = 600;
const maxStatusBytes = 8_000;

/**
 * The status of a policy from what its nodes report. Pure. Precedence of `Ready`: not accepted or
 * not judged; not distributed; a roll-out that is undone, halted or under way; without a roll-out
 * failed nodes, then pending ones, then "all unreachable"; and where all of that is well, a trial in
 * monitor mode. Unreachable nodes beside programmed ones are counted and named, and hold up nothing. At most 10 problems or failure
 * groups, and 8 kB in all, whatever the size of the policy and the fleet.
 */
export function rollUp(input: RollUpInput): PolicyStatus {
  const { generation, previous, verdict, nodes, nowMs } = input;
  const count = countStates(nodes);
  const isAccepted = verdict.kind === "accepted";
  const rollout = isAccepted ? rolloutStatus(input.rollout, count) : undefined;
  const trial = isAccepted ? input.trial : undefined;
  const stages = { rollout, trial, maxStops: input.rollout?.maxStops };
  const findings = findingsOf(input, count, stages).map((one) =>
    one.type === "ResolvedRefs" ? refsFinding(input.unresolved) : one,
  );
  const requested = requestedMode(verdict);
  const { rego, guardRails = [] } = input;
  const distributed = verdict.kind === "accepted" && input.undistributed === undefined;
  const status: PolicyStatus = {
    observedGeneration: generation,
    conditions: stampConditions(findings, { generation, nowMs, previous }),
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

function requestedMode(verdict: Verdict): Mode | undefined {
  if (verdict.kind === "accepted") return verdict.requested ?? verdict.mode;
  return verdict.kind === "refused" ? verdict.mode : undefined;
}

function findingsOf(
  { verdict, nodes, undistributed }: RollUpInput,
  count: Count,
  stages: Stages,
): Finding[] {
  switch (verdict.kind) {
    case "refused":
      return refusedFindings(verdict, count);
    case "unknown":
      return unknownFindings(verdict.message);
    case "guards":
      return guardsFindings;
    case "accepted":
      return undistributed === undefined
        ? acceptedFindings(verdict, count, nodes, stages)
        : undistributedFindings(undistributed, count);
  }
}

function refusedFindings(verdict: Extract<Verdict, { kind: "refused" }>, count: Count): Finding[] {
  const { reason } = verdict;
  const message = listProblems(verdict.problems);
  const short = shorten(verdict.problems);
  const what = verdict.lastGood === undefined ? "what was accepted before" : "the last good bundle";
  const still = stillInForce(count, what);
  return [
    { type: "Accepted", status: "False", reason, message },
    resolved,
    { type: "Programmed", status: "False", reason: "NotAccepted", message: still },
    { type: "Enforcing", status: "False", reason: "NotAccepted", message: still },
    { type: "Ready", status: "False", reason, message: short },
    { type: "Stalled", status: "True", reason, message: short },
  ];
}

function stillInForce({ programmed, desired }: Count, what: string): string {
  return programmed === 0
    ? "no node holds this policy"
    : `${what} stays in force on ${programmed} of ${desired} nodes`;
}

function undistributedFindings(why: string, count: Count): Finding[] {
  const refusal = cut(why, maxRefusalBytes);
  const message = `the API server refuses its SelectorSet, which is tried again: ${refusal}; ${stillInForce(count, "what was accepted before")}`;
  const about = { status: "False", reason: "DistributionFailed", message } as const;
  return [
    accepted,
    resolved,
    { type: "Programmed", ...about },
    { type: "Enforcing", ...about },
    { type: "Ready", ...about },
    { type: "Reconciling", ...about, status: "True" },
  ];
}

const accepted: Finding = {
  type: "Accepted",
  status: "True",
  reason: "Accepted",
  message: "the policy is valid",
};

function unknownFindings(message: string): Finding[] {
  const about = { reason: "EvaluationFailed", message } as const;
  return [
    { type: "Accepted", status: "Unknown", ...about },
    resolved,
    { type: "Programmed", status: "Unknown", ...about },
    { type: "Enforcing", status: "Unknown", ...about },
    { type: "Ready", status: "Unknown", ...about },
    { type: "Reconciling", status: "True", ...about },
  ];
}

const resolved: Finding = {
  type: "ResolvedRefs",
  status: "True",
  reason: "ResolvedRefs",
  message: "it refers to no other object",
};

function refsFinding(message: string | undefined): Finding {
  if (message === undefined) return resolved;
  return { type: "ResolvedRefs", status: "False", reason: "BundleFailed", message };
}

const guarding = {
  status: "True",
  reason: "GuardsPolicies",
  message: "every policy that it applies to is judged by it",
} as const;
const guardsFindings: Finding[] = [
  { type: "Accepted", status: "True", reason: "Accepted", message: "the Rego is in use" },
  resolved,
  { type: "Programmed", ...guarding },
  { type: "Enforcing", ...guarding },
  { type: "Ready", ...guarding },
];

function acceptedFindings(
  verdict: Extract<Verdict, { kind: "accepted" }>,
  count: Count,
  nodes: readonly NodeState[],
  { rollout, trial, maxStops }: Stages,
): Finding[] {
  const found =
    rollout === undefined
      ? programmedFinding(count, nodes)
      : rollingOutFinding(rollout, count, nodes, maxStops);
  const unseen = unseenOn(verdict.sets ?? [], nodes);
  const programmed =
    unseen === undefined ? found : { ...found, message: `${found.message}; ${unseen}` };
  const findings: Finding[] = [
    accepted,
    resolved,
    programmed,
    enforcingFinding(verdict, programmed),
    { ...programmed, type: "Ready" },
  ];
  if (trial !== undefined && programmed.status === "True") return triedFindings(findings, trial);
  const { message } = programmed;
  if (programmed.reason === "RollingOut" || programmed.reason === "RolloutPaused") {
    findings.push({ type: "Reconciling", status: "True", reason: programmed.reason, message });
  } else if (programmed.reason === "RolloutHalted" || programmed.reason === "RolloutUndone") {
    findings.push({ type: "Stalled", status: "True", reason: programmed.reason, message });
  } else if (count.pending > 0) {
    const waiting = pendingMessage(count, nodes);
    findings.push({ type: "Reconciling", status: "True", reason: "Pending", message: waiting });
  } else if (count.failed > 0) {
    findings.push({
      type: "Stalled",
      status: "True",
      reason: "NodesFailed",
      message: programmed.message,
    });
  }
  return findings;
}

function programmedFinding(count: Count, nodes: readonly NodeState[]): ProgrammedFinding {
  const type = "Programmed";
  const of = `${count.programmed} of ${count.desired} nodes`;
  if (count.failed > 0) {
    const [first] = failureGroups(nodes);
    const message = cut(
      `${count.failed} of ${count.desired} nodes cannot hold it (${named(nodes, "failed")}): ` +
        `${first?.reason}: ${first?.message}`,
      maxSummaryBytes,
    );
    return { type, status: "False", reason: "NodesFailed", message };
  }
  if (count.pending > 0) {
    return { type, status: "Unknown", reason: "Pending", message: pendingMessage(count, nodes) };
  }
  if (count.desired === 0) {
    const message = "no node matches its nodeSelector, so it is in force nowhere";
    return { type, status: "True", reason: "NoNodes", message };
  }
  if (count.unreachable === 0) {
    return { type, status: "True", reason: "Programmed", message: `in force on ${of}` };
  }
  const lost = `unreachable: ${named(nodes, "unreachable")}`;
  return count.programmed === 0
    ? { type, status: "Unknown", reason: "NodesUnreachable", message: `in force on ${of}; ${lost}` }
    : { type, status: "True", reason: "Programmed", message: `in force on ${of}; ${lost}` };
}

function enforcingFinding(
  verdict: Extract<Verdict, { kind: "accepted" }>,
  programmed: ProgrammedFinding,
): Finding {
  const type = "Enforcing";
  if (verdict.mode === "monitor") {
    const message = "monitor mode: it reports what it would stop";
    return { type, status: "False", reason: "MonitorMode", message };
  }
  if (!verdict.enforces) {
    const message = "it has no action that stops anything";
    return { type, status: "False", reason: "ReportsOnly", message };
  }
  const { message } = programmed;
  switch (programmed.reason) {
    case "Programmed":
      return { type, status: "True", reason: "Enforcing", message };
    case "NoNodes":
    case "NodesFailed":
    case "RolloutHalted":
    case "RolloutUndone":
      return { type, status: "False", reason: programmed.reason, message };
    case "Pending":
    case "RollingOut":
    case "RolloutPaused":
    case "NodesUnreachable":
      return { type, status: "Unknown", reason: programmed.reason, message };
  }
}

function pendingMessage(count: Count, nodes: readonly NodeState[]): string {
  return `${count.pending} of ${count.desired} nodes have yet to report: ${named(nodes, "pending")}`;
}

/** What the nodes that hold any version of it really do. */
function observedMode({ verdict, nodes }: RollUpInput): "enforce" | "monitor" | "mixed" | "none" {
  const modes = new Set<Mode>();
  for (const one of nodes) {
    if (one.state === "programmed") modes.add(one.mode);
    else if (one.state !== "unreachable" && one.holds !== undefined) modes.add(one.holds);
  }
  if (modes.size > 1) return "mixed";
  const [mode = "none"] = modes;
  const reportsOnly = verdict.kind === "accepted" && !verdict.enforces;
  return mode === "enforce" && reportsOnly ? "monitor" : mode;
}

/** In full, for `Accepted`. */
function listProblems(problems: readonly Problem[]): string {
  const shown = problems.slice(0, maxProblems).map((one) => formatProblem(one));
  const more = problems.length - shown.length;
  return cut(
    [...shown, ...(more > 0 ? [`and ${more} more problems`] : [])].join("\n"),
    maxProblemsBytes,
  );
}

/** One line, for the summaries. */
function shorten(problems: readonly Problem[]): string {
  const [first, ...more] = problems;
  const text = first === undefined ? "" : cut(formatProblem(first), maxSummaryBytes);
  return more.length === 0 ? text : `${text} (+${more.length} more, see Accepted)`;
}
