import { formatProblem, type Problem } from "@guardbee/policy";
import { accepted, type ConditionDraft, resolved } from "./conditions.ts";
import { cut, maxSummaryBytes } from "./cut.ts";
import type { Count } from "./node-count.ts";
import type { ShownJudgement } from "./shown-judgement.ts";

type ShownRefused = Extract<ShownJudgement, { kind: "refused" }>;

const maxProblems = 10;
const maxProblemsBytes = 3072;
const maxRefusalBytes = 600;

/** `message`: why what it refers to cannot be had. */
export function refsDraft(message: string | undefined): ConditionDraft {
  if (message === undefined) return resolved;
  return { type: "ResolvedRefs", status: "False", reason: "BundleFailed", message };
}

/** Of a policy that is not accepted; what was before may still be in force. */
export function refusedDrafts(judged: ShownRefused, count: Count): ConditionDraft[] {
  const { reason } = judged;
  const message = listProblems(judged.problems);
  const short = shorten(judged.problems);
  const what = judged.lastGood === undefined ? "what was accepted before" : "the last good bundle";
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

/** Of one that is, and that the API server does not take. */
export function undistributedDrafts(why: string, count: Count): ConditionDraft[] {
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

/** Of one that Rego gave no answer for. */
export function unknownDrafts(message: string): ConditionDraft[] {
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

const guarding = {
  status: "True",
  reason: "GuardsPolicies",
  message: "every policy that it applies to is judged by it",
} as const;
/** Of a guard rail, which no node holds. */
export const guardsDrafts: ConditionDraft[] = [
  { type: "Accepted", status: "True", reason: "Accepted", message: "the Rego is in use" },
  resolved,
  { type: "Programmed", ...guarding },
  { type: "Enforcing", ...guarding },
  { type: "Ready", ...guarding },
];

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
