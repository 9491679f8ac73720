import type { KubeObject } from "@guardbee/kube";
import {
  changeSets,
  isEnforcing,
  type LabelSelector,
  lower,
  type Mode,
  type Problem,
  parsePolicyObject,
  requestedMode,
  type SelectorSet,
} from "@guardbee/policy";
import type { Guard, GuardNote } from "../rego/guard-rails.ts";
import type { RefusalReason } from "../status/conditions.ts";

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
  return set.hooks.some((hook) =>
    hook.selectors.some((selector) => selector.actions.some(isEnforcing)),
  );
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
