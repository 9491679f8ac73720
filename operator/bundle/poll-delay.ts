import { type BackOff, backOffMs } from "@guardbee/kube";
import { BundleError } from "./bundle-error.ts";

/** How a source was doing when it was last asked. */
export type Polls = {
  /** In a row, up to the last one. */
  readonly failures: number;
  /** How long the server asked to be left alone. */
  readonly retryAfterMs: number;
};

export const noPolls: Polls = { failures: 0, retryAfterMs: 0 };

const retry: BackOff = { firstMs: 2_000, maxMs: 300_000 };

/** After one more poll, which went well unless there is an error. */
export function afterPoll(before: Polls, error: Error | undefined): Polls {
  if (error === undefined) return noPolls;
  const retryAfterMs = error instanceof BundleError ? (error.retryAfterMs ?? 0) : 0;
  return { failures: before.failures + 1, retryAfterMs };
}

/**
 * How long to wait before the next poll, in milliseconds. When all is well, the interval, 10 % more or
 * less. Otherwise 2 s, doubled each time up to 5 minutes or the interval, the longer, of which at least
 * half; and never less than the server asked for. `random` is in [0, 1).
 */
export function pollDelayMs(polls: Polls, intervalMs: number, random: number): number {
  const { failures, retryAfterMs } = polls;
  if (failures === 0) return intervalMs * (0.9 + 0.2 * random);
  const maxMs = Math.max(intervalMs, retry.maxMs);
  const delayMs = backOffMs(failures, { ...retry, maxMs }, () => random);
  const asked = retryAfterMs * (1 + 0.1 * random); // not all at that instant
  return Math.max(delayMs, asked);
}
