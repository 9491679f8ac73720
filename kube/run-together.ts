import { untilAborted } from "./until-aborted.ts";

/**
 * Runs parts that live as long as each other: all end when `signal` aborts, and when one throws the
 * others are ended and its error is thrown.
 */
export async function runTogether(
  parts: readonly ((signal: AbortSignal) => Promise<void>)[],
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const run = async (part: (signal: AbortSignal) => Promise<void>): Promise<void> => {
    try {
      await untilAborted(either, part);
    } catch (error) {
      stop.abort(error);
    }
  };
  await Promise.all(parts.map(run));
  stop.signal.throwIfAborted();
}
