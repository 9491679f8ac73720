import type { Result } from "@guardbee/policy";
import type { RegoUnit } from "./unit.ts";

/** What was loaded last, and what came of compiling and checking it. */
export type Candidate = { readonly key: string; readonly loaded: Result<RegoUnit> };

/**
 * What there is of a RegoPolicy's Rego.
 * - `none`: nothing was loaded yet.
 * - `candidate`: something was, and has not been seen to work.
 * - `inForce`: `unit` is evaluated. A candidate beside it takes its place when it works.
 * - `broken`: what the policy says now does not work; what worked before it, if anything, goes on.
 */
export type RegoPolicyState =
  | { readonly kind: "none" }
  | { readonly kind: "candidate"; readonly candidate: Candidate }
  | { readonly kind: "inForce"; readonly unit: RegoUnit; readonly candidate?: Candidate }
  | {
      readonly kind: "broken";
      readonly why: string;
      readonly unit?: RegoUnit;
      readonly candidate?: Candidate;
    };

export type RegoEvent =
  | { readonly kind: "loaded"; readonly candidate: Candidate }
  /** All that is asked of it went well: it is to be evaluated from now on. */
  | { readonly kind: "worked"; readonly unit: RegoUnit }
  | { readonly kind: "failed"; readonly why: string };

/** What is evaluated; undefined: nothing. */
export function unitInForce(state: RegoPolicyState): RegoUnit | undefined {
  return "unit" in state ? state.unit : undefined;
}

/** The state after `event`. Pure. */
export function nextRegoState(state: RegoPolicyState, event: RegoEvent): RegoPolicyState {
  const candidate = "candidate" in state ? state.candidate : undefined;
  switch (event.kind) {
    case "loaded":
      if (state.kind === "inForce" || state.kind === "broken") {
        return { ...state, candidate: event.candidate };
      }
      return { kind: "candidate", candidate: event.candidate };
    case "worked": {
      const { unit } = event;
      const promoted = candidate?.loaded.ok === true && candidate.loaded.value === unit;
      const beside = candidate === undefined || promoted ? {} : { candidate };
      return { kind: "inForce", unit, ...beside };
    }
    case "failed": {
      const unit = unitInForce(state);
      return {
        ...{ kind: "broken", why: event.why },
        ...(unit === undefined ? {} : { unit }),
        ...(candidate === undefined ? {} : { candidate }),
      };
    }
  }
}
