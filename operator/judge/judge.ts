import type { KubeObject } from "@guardbee/kube";
import {
  actionsOf,
  changeSets,
  isEnforcing,
  lower,
  type Mode,
  type Problem,
  parsePolicyObject,
  requestedMode,
  type SelectorSet,
} from "@guardbee/policy";
import type { Guard } from "./guard-rails.ts";
import type { Judgement } from "./judgement.ts";

/**
 * Parses and lowers, then passes the guard rails, of which the built-in Rego is the first. Lowering
 * decides scope and mode; a guard rail may change both. All problems of a step are reported; a later
 * step does not run. Throws only when a guard rail gives no answer.
 */
export async function judge(
  object: KubeObject,
  guard: Guard,
  signal: AbortSignal,
): Promise<Judgement> {
  const parsed = parsePolicyObject(withoutStatus(object));
  if (!parsed.ok) return refuse(parsed.problems);
  const policy = parsed.value;
  const requested = requestedMode(policy);
  const lowered = lower(policy);
  if (!lowered.ok) return refuse(lowered.problems, requested);
  const guarded = await guard({ policy, set: lowered.value }, signal);
  const { problems, notes, mode, scope } = guarded;
  if (problems.length > 0) {
    return { kind: "refused", reason: "Refused", problems, mode: requested, notes };
  }
  return {
    kind: "accepted",
    ...{ mode, requested },
    enforces: hasEnforcing(lowered.value),
    nodes: lowered.value.nodes,
    ...changeSets([lowered.value], { mode, scope }),
    notes,
    ...(lowered.warnings.length === 0 ? {} : { warnings: lowered.warnings }),
  };
}

/** Whether it has an action that stops something, in whichever mode. */
export function hasEnforcing(set: SelectorSet): boolean {
  return set.hooks.some((hook) => actionsOf(hook).some(isEnforcing));
}

function refuse(problems: readonly Problem[], mode?: Mode): Judgement {
  const invalid = problems.some(({ kind }) => kind === "invalid");
  const reason = invalid ? "InvalidSpec" : "NotSupported";
  return { kind: "refused", reason, problems, ...(mode === undefined ? {} : { mode }) };
}

/** Our own output is no part of what is judged. */
function withoutStatus(object: KubeObject): Omit<KubeObject, "status"> {
  const { status: _status, ...rest } = object;
  return rest;
}
