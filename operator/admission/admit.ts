import { isDeepStrictEqual } from "node:util";
import type { KubeObject } from "@guardbee/kube";
import { formatProblem, type Problem, withdrawn } from "@guardbee/policy";
import { type PolicyEntry, policyResources, projectPolicy } from "../fleet/objects.ts";
import type { Judgement } from "../judge/judgement.ts";
import type { AdmissionRequest, Verdict } from "./review.ts";

/** Judges a policy that is not stored, keeping nothing. Throws when there is no answer. */
export type Judge = (policy: PolicyEntry, signal: AbortSignal) => Promise<Judgement>;

/**
 * May it be written? What the controller would refuse is denied here, with the same words. Two
 * things are let through with a warning:
 * - NotSupported: the policy is right, and a cluster of several versions, or a GitOps tool that
 *   applies many objects in one go, must not be stuck on it. Its status says that it is not in
 *   force.
 * - whatever cannot be judged now: the controller tries again until it can.
 * An object that is refused already may be changed in everything but its spec, so that it can be
 * annotated, labelled and deleted.
 */
export async function admit(
  request: AdmissionRequest,
  judge: Judge,
  signal: AbortSignal,
): Promise<Verdict> {
  const { operation, kind, object, oldObject } = request;
  const resource = policyResources.find(
    (one) => one.group === kind.group && one.kind === kind.kind,
  );
  const asked = operation === "CREATE" || operation === "UPDATE";
  if (!asked || resource === undefined || object === undefined) return allow([]);
  if (object.metadata.deletionTimestamp !== undefined) return allow([]);
  const judgeObject = (one: KubeObject) => judge(projectPolicy(resource, one), signal);
  try {
    const verdict = verdictOf(await judgeObject(object));
    if (oldObject === undefined) return verdict;
    if (verdict.allowed)
      return allow([...widened(resource.kind, object, oldObject), ...verdict.warnings]);
    if (!isDeepStrictEqual(object.spec, oldObject.spec)) return verdict;
    const before = verdictOf(await judgeObject(oldObject));
    return before.allowed ? verdict : allow([`stays refused: ${verdict.message}`]);
  } catch (error) {
    signal.throwIfAborted();
    return allow([`not checked yet, see its status: ${(error as Error).message}`]);
  }
}

function verdictOf(judgement: Judgement): Verdict {
  if (judgement.kind === "guards") return allow([]);
  const warnings = (judgement.notes ?? [])
    .filter(({ effect }) => effect !== "refused")
    .map(({ name, effect, message }) => `guard rail ${name} ${effect}: ${message}`);
  if (judgement.kind === "accepted") {
    return allow([...(judgement.warnings ?? []).map(formatProblem), ...warnings]);
  }
  const { reason, problems } = judgement;
  if (reason === "NotSupported") {
    return allow([...problems.map((one) => `not in force: ${formatProblem(one)}`), ...warnings]);
  }
  const status =
    reason === "Refused"
      ? ({ code: 403, reason: "Forbidden" } as const)
      : ({ code: 422, reason: "Invalid" } as const);
  return { allowed: false, ...status, message: list(problems), warnings: bound(warnings) };
}

/** What a patch has removed, which a null in it does in silence. */
function widened(kind: string, now: KubeObject, before: KubeObject): readonly string[] {
  return withdrawn(kind, before.spec, now.spec).map(
    ({ field, consequence }) =>
      `${field}: was there before and is gone: without it, ${consequence}`,
  );
}

function allow(warnings: readonly string[]): Verdict {
  return { allowed: true, warnings: bound(warnings) };
}

const maxProblems = 20;
const maxProblemLength = 1_000;

/** One problem a line, the first ones and how many more. */
function list(problems: readonly Problem[]): string {
  const shown = problems.slice(0, maxProblems);
  const lines = shown.map((one) => cut(formatProblem(one), maxProblemLength));
  const more = problems.length - shown.length;
  return [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join("\n");
}

/** The API server cuts warnings itself past 256 characters each or 4,096 in all. */
function bound(warnings: readonly string[]): readonly string[] {
  const shown = warnings.slice(0, 12).map((one) => cut(one.replaceAll(/\s+/g, " "), 256));
  const more = warnings.length - shown.length;
  return more === 0 ? shown : [...shown, `and ${more} more warnings`];
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
