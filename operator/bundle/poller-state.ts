import type { Bundle } from "./bundle.ts";
import type { BundleError } from "./bundle-error.ts";

/** What one poll came to. */
export type PollResult =
  /** A bundle other than the last, or the first. */
  | { readonly kind: "bundle"; readonly bundle: Bundle; readonly etag?: string }
  /** The source still has the last bundle: an earlier failure is over. */
  | { readonly kind: "unchanged" }
  | { readonly kind: "failed"; readonly error: BundleError };

/** Where a poller stands. `etag` is of the last bundle that came, which a failure does not forget. */
export type PollerState =
  /** Nothing was asked yet. */
  | { readonly kind: "starting"; readonly etag?: string }
  /** The last poll went well. */
  | { readonly kind: "polling"; readonly etag?: string }
  /** The last `failures` polls failed. */
  | {
      readonly kind: "failing";
      readonly failures: number;
      readonly error: BundleError;
      readonly etag?: string;
    };

const firstRetryMs = 2_000;
const retryMsMax = 300_000;

/** The state after a poll. */
export function afterPoll(state: PollerState, result: PollResult): PollerState {
  const kept = state.etag === undefined ? {} : { etag: state.etag };
  switch (result.kind) {
    case "bundle":
      return {
        kind: "polling",
        ...(result.etag === undefined ? {} : { etag: result.etag }),
      };
    case "unchanged":
      return { kind: "polling", ...kept };
    case "failed": {
      const failures = state.kind === "failing" ? state.failures + 1 : 1;
      return { kind: "failing", failures, error: result.error, ...kept };
    }
  }
}

/**
 * How long to wait before the next poll, in milliseconds. When all is well, the interval, 10 % more or
 * less. Otherwise 2 s, doubled each time up to 5 minutes or the interval, the longer, of which at least
 * half; and never less than the server asked for. `random` is in [0, 1).
 */
export function delayMs(state: PollerState, intervalMs: number, random: number): number {
  if (state.kind !== "failing") return intervalMs * (0.9 + 0.2 * random);
  const most = Math.max(intervalMs, retryMsMax);
  const backoff = Math.min(firstRetryMs * 2 ** Math.min(state.failures - 1, 30), most);
  const asked = (state.error.retryAfterMs ?? 0) * (1 + 0.1 * random); // not all at that instant
  return Math.max(backoff * (0.5 + 0.5 * random), asked);
}
