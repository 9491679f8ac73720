import type { LabelSelector, Mode, Problem, SelectorSet } from "@guardbee/policy";
import type { GuardNote } from "./guard-rails.ts";

/** Why a policy is not accepted, and so not programmed. */
export const refusalReasons = [
  ...(["InvalidSpec", "NotSupported", "Refused"] as const),
  "QuotaExceeded",
  ...(["InvalidRego", "InvalidResult", "TooManyRules", "DropHeld"] as const),
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

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
