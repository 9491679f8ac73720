import { type BackOff, backOffMs } from "./back-off.ts";
import { KubeError } from "./kube-error.ts";

/** Where a Reflector stands. Written by Reflector's #enter only. */
export type ReflectorState =
  /** Reading the whole collection, page by page. */
  | { readonly kind: "listing"; readonly failures: number }
  /** Following changes from `resourceVersion`; the snapshot is current up to there. */
  | { readonly kind: "watching"; readonly resourceVersion: string; readonly failures: number }
  /** Nothing under way until `delayMs` have passed; then watches, or lists without a version. */
  | {
      readonly kind: "waiting";
      readonly delayMs: number;
      readonly reason: string;
      readonly resourceVersion: string | undefined;
      readonly failures: number;
    };

/** What ended the activity of a state. */
export type ReflectorStep =
  | { readonly kind: "listed"; readonly resourceVersion: string }
  | { readonly kind: "failed"; readonly cause: Cause }
  | { readonly kind: "waited" }
  /** A watch ended; `progress`: it brought something, or lasted long enough to be healthy. */
  | {
      readonly kind: "ended";
      readonly cause: Cause;
      readonly resourceVersion: string;
      readonly progress: "some" | "none";
    };

/** Why a list or a watch ended. */
export type Cause =
  /** The server ended the watch, as it does when timeoutSeconds have passed. */
  | { readonly why: "closed" }
  /** 410: the version is no longer kept. */
  | { readonly why: "gone" }
  /** 429, or any refusal with Retry-After. */
  | { readonly why: "throttled"; readonly retryAfterMs: number }
  /** No line, not even a bookmark, for too long: the connection is dead. */
  | { readonly why: "silent" }
  /** A line that is no watch event. */
  | { readonly why: "garbage"; readonly line: string }
  /** Everything else: refused, dropped, unreachable. */
  | { readonly why: "failed"; readonly error: unknown };

const backOff: BackOff = { firstMs: 500, maxMs: 30_000 };
/** Watches that fail one after the other before the version itself is suspected. */
const failuresBeforeList = 3;

/**
 * The state after `step`. Back-off is 0.5 s doubling to 30 s, times 0.5 to 1 by `random` in [0,1),
 * so that a fleet does not come back in step; it starts anew once a watch made progress.
 */
export function nextState(
  state: ReflectorState,
  step: ReflectorStep,
  random: number,
): ReflectorState {
  switch (step.kind) {
    case "listed":
      // Failures are kept: a list that works followed by a watch that does not must still slow down.
      return {
        kind: "watching",
        resourceVersion: step.resourceVersion,
        failures: state.failures,
      };
    case "failed":
      return waiting(step.cause, undefined, state.failures + 1, random);
    case "waited":
      return state.kind === "waiting" && state.resourceVersion !== undefined
        ? { kind: "watching", resourceVersion: state.resourceVersion, failures: state.failures }
        : { kind: "listing", failures: state.failures };
    case "ended":
      return afterWatch(state, step, random);
  }
}

function afterWatch(
  state: ReflectorState,
  step: Extract<ReflectorStep, { kind: "ended" }>,
  random: number,
): ReflectorState {
  const { cause, resourceVersion } = step;
  const healthy = step.progress === "some";
  if (cause.why === "gone") {
    return healthy
      ? { kind: "listing", failures: 0 }
      : waiting(cause, undefined, state.failures + 1, random);
  }
  if (healthy && (cause.why === "closed" || cause.why === "silent")) {
    return { kind: "watching", resourceVersion, failures: 0 };
  }
  const failures = healthy ? 1 : state.failures + 1;
  const from = failures > failuresBeforeList ? undefined : resourceVersion;
  return waiting(cause, from, failures, random);
}

function waiting(
  cause: Cause,
  resourceVersion: string | undefined,
  failures: number,
  random: number,
): ReflectorState {
  const askedMs = cause.why === "throttled" ? cause.retryAfterMs : 0;
  return {
    kind: "waiting",
    delayMs: Math.round(
      Math.max(
        backOffMs(failures, backOff, () => random),
        askedMs,
      ),
    ),
    reason: describe(cause),
    resourceVersion,
    failures,
  };
}

/** The cause behind an error thrown by a request. */
export function causeOf(error: unknown): Cause {
  if (!(error instanceof KubeError)) return { why: "failed", error };
  if (error.status === 410) return { why: "gone" };
  if (error.status === 429 || error.retryAfterMs !== undefined) {
    return { why: "throttled", retryAfterMs: error.retryAfterMs ?? 1000 };
  }
  return { why: "failed", error };
}

function describe(cause: Cause): string {
  switch (cause.why) {
    case "closed":
      return "the server closed the watch at once";
    case "gone":
      return "410: the version is no longer kept";
    case "throttled":
      return `the server asked to wait ${cause.retryAfterMs} ms`;
    case "silent":
      return "no event and no bookmark; the connection is dead";
    case "garbage":
      return `a line that is no watch event: ${cause.line.slice(0, 80)}`;
    case "failed":
      return cause.error instanceof Error ? cause.error.message : String(cause.error);
  }
}
