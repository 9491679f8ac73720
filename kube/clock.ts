import { setTimeout as setTimer } from "node:timers/promises";

/** Time as components see it. Only this file touches timers; tests pass a ManualClock. */
export type Clock = {
  /** Wall clock in milliseconds since 1970, for stamps only: it may jump. */
  now(): number;
  /** Milliseconds from an arbitrary start, never backwards, for durations and deadlines. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with `signal.reason` when aborted first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
};

/** The machine's clock. A sleep does not keep the process alive by itself once aborted. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    signal.throwIfAborted();
    try {
      await setTimer(Math.min(Math.max(ms, 0), 2 ** 31 - 1), undefined, { signal });
    } catch (error) {
      signal.throwIfAborted(); // timers/promises wraps the reason; ours is to throw it bare
      throw error;
    }
  },
};

/** `2026-01-02T03:04:05Z`: milliseconds since 1970 to the second, as the API server writes them (RFC 3339). */
export function stamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}

/**
 * The value of `work`, or its rejection with `error()` when it takes longer than `ms`: the signal
 * that `work` got is aborted with it. Rejects with `signal.reason` when aborted from outside.
 */
export async function withDeadline<T>(
  clock: Clock,
  limit: { readonly ms: number; readonly error: () => Error },
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const overrun = new AbortController();
  const finished = new AbortController();
  clock.sleep(limit.ms, AbortSignal.any([signal, finished.signal])).then(
    () => overrun.abort(limit.error()),
    () => {}, // finished in time, or aborted from outside
  );
  try {
    return await work(AbortSignal.any([signal, overrun.signal]));
  } finally {
    finished.abort();
  }
}
