import type { KubeObject } from "@guardbee/kube";
import {
  hashSets,
  isEnforcing,
  type LabelSelector,
  lower,
  type Mode,
  type Policy,
  type Problem,
  parsePolicyObject,
  type SelectorSet,
} from "@guardbee/policy";
import type { RefusalReason } from "../status/conditions.ts";
import type { Translate } from "./translate.ts";

/** What becomes of one generation of a policy: a set to program, or why not. */
export type Judgement =
  | {
      readonly kind: "accepted";
      readonly mode: Mode;
      readonly enforces: boolean;
      readonly hash: string;
      readonly nodes: LabelSelector | undefined;
      readonly sets: readonly SelectorSet[];
    }
  | {
      readonly kind: "refused";
      readonly reason: RefusalReason;
      readonly problems: readonly Problem[];
      readonly mode?: Mode;
    };

/**
 * Parses, lets Rego decide, lowers. The scope and mode that Rego gives replace those of `lower`.
 * All problems of a step are reported; a later step does not run. Throws only when Rego gives no
 * answer.
 */
export async function judge(
  object: KubeObject,
  translate: Translate,
  signal: AbortSignal,
): Promise<Judgement> {
  const parsed = parsePolicyObject(withoutStatus(object));
  if (!parsed.ok) return refuse(parsed.problems);
  const lowered = lower(parsed.value);
  if (!lowered.ok) return refuse(lowered.problems, requestedMode(parsed.value));
  const decision = await translate(parsed.value, signal);
  const { mode } = decision;
  if (!decision.accepted) {
    return { kind: "refused", reason: "Refused", problems: decision.problems, mode };
  }
  const set: SelectorSet = { ...lowered.value, mode, scope: decision.scope };
  const enforces = hasEnforcing(set);
  return { kind: "accepted", mode, enforces, hash: hashSets([set]), nodes: set.nodes, sets: [set] };
}

/** Whether it has an action that stops something, in whichever mode. */
export function hasEnforcing(set: SelectorSet): boolean {
  return set.hooks.some((hook) =>
    hook.selectors.some((selector) => selector.actions.some(isEnforcing)),
  );
}

function refuse(problems: readonly Problem[], mode?: Mode): Judgement {
  const invalid = problems.some(({ kind }) => kind === "invalid");
  const reason = invalid ? "InvalidSpec" : "NotSupported";
  return { kind: "refused", reason, problems, ...(mode === undefined ? {} : { mode }) };
}

/** As written, for a policy that is not lowered. */
function requestedMode(policy: Policy): Mode {
  const spec = policy.spec as {
    readonly mode?: string;
    readonly options?: readonly { readonly name: string; readonly value?: string }[];
  };
  const option = spec.options?.find(({ name }) => name === "policy-mode")?.value;
  return (spec.mode ?? option) === "monitor" ? "monitor" : "enforce";
}

/** Our own output is no part of what is judged. */
function withoutStatus(object: KubeObject): Omit<KubeObject, "status"> {
  const { status: _status, ...rest } = object;
  return rest;
}
