import type { SelectorSet } from "@guardbee/policy";
import type { Accepted, Guards, Refused, Unanswered } from "../judge/judgement.ts";

/** A judgement, as far as a status shows it. */
export type ShownJudgement =
  | (Pick<Accepted, "kind" | "mode" | "requested" | "enforces"> & {
      readonly sets?: readonly Pick<SelectorSet, "hooks">[];
    })
  /** A guard rail: the operator asks it, and no node holds anything of it. */
  | Pick<Guards, "kind">
  | (Pick<Refused, "kind" | "reason" | "problems" | "mode"> & { readonly lastGood?: object })
  | Pick<Unanswered, "kind" | "message">;
