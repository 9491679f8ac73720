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
import type { Guard, GuardNote } from "../rego/guard-rails.ts";
import type { RefusalReason } from "../status/conditions.ts";
import type { Translate } from "./translate.ts";

/** What becomes of one generation of a policy: a set to program, or why not. */
export type Judgement = Accepted | Guards | Refused;

export type Accepted = {
  readonly kind: "accepted";
  readonly mode: Mode;
  readonly enforces: boolean;
  readonly hash: string;
  readonly nodes: LabelSelector | undefined;
  readonly sets: readonly SelectorSet[];
  /** Mode as written, where a guard rail changed it. */
  readonly requested?: Mode;
  readonly notes?: readonly GuardNote[];
  /** What is taken and probably not meant, such as a path that no file has. */
  readonly warnings?: readonly Problem[];
  readonly rego?: RegoReport;
  readonly unresolved?: string;
};

/** A RegoPolicy that judges others; there is nothing to program. */
export type Guards = {
  readonly kind: "guards";
  readonly rego: RegoReport;
  /** Why its bundle's source gives none; the last good one is in use. */
  readonly unresolved?: string;
};

export type Refused = {
  readonly kind: "refused";
  readonly reason: RefusalReason;
  readonly problems: readonly Problem[];
  readonly mode?: Mode;
  readonly notes?: readonly GuardNote[];
  /** Digest of a result that the drop guard holds back. */
  readonly held?: string;
} & InsteadOfBundle;

/** Rego gave no answer. */
export type Unanswered = { readonly kind: "unknown"; readonly message: string } & InsteadOfBundle;

/** What holds where the bundle that a RegoPolicy's source gives is of no use. */
export type InsteadOfBundle = {
  /** What its last good bundle comes to. */
  readonly lastGood?: Accepted | Guards;
  readonly unresolved?: string;
};

/** What is in force of a RegoPolicy. */
export type RegoReport = {
  readonly digest?: string;
  readonly revision?: string;
  readonly rules?: number;
  readonly policies?: number;
};

export type JudgeDeps = {
  readonly translate: Translate;
  readonly guard: Guard;
};

/**
 * Parses, lowers, lets Rego decide, passes the guard rails. The scope and mode that Rego gives
 * replace those of `lower`.
 * All problems of a step are reported; a later step does not run. Throws only when Rego gives no
 * answer.
 */
export async function judge(
  object: KubeObject,
  { translate, guard }: JudgeDeps,
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
  const translated: SelectorSet = { ...lowered.value, mode, scope: decision.scope };
  const guarded = await guard({ policy: parsed.value, set: translated }, signal);
  const { problems, notes } = guarded;
  if (problems.length > 0) return { kind: "refused", reason: "Refused", problems, mode, notes };
  const set: SelectorSet = { ...translated, mode: guarded.mode, scope: guarded.scope };
  const enforces = hasEnforcing(set);
  return {
    kind: "accepted",
    mode: set.mode,
    requested: mode,
    enforces,
    hash: hashSets([set]),
    nodes: set.nodes,
    sets: [set],
    notes,
    ...(lowered.warnings.length === 0 ? {} : { warnings: lowered.warnings }),
  };
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
