import { type Clock, orAborted } from "@guardbee/kube";
import type { RegoProcess } from "./rego-process.ts";

/** Of one request to a process. */
export type RequestLimits = {
  /** Of processor time. */
  readonly cpuMs: number;
  /** By the clock. */
  readonly clockMs: number;
  /** Of the whole process. */
  readonly memoryBytes: number;
};

export type Overrun = "cpu" | "clock" | "memory";

/** Between two looks at a process: so late it is ended at most, and so much it grows at most. */
const lookMs = 20;

/**
 * What `asked` comes to. When the process uses more than `limits` meanwhile it is killed at once, and
 * `overrun` thrown.
 */
export async function within<T>(
  process: Pick<RegoProcess, "usage" | "kill">,
  limits: RequestLimits,
  clock: Clock,
  {
    asked,
    overrun,
  }: { readonly asked: () => Promise<T>; readonly overrun: (by: Overrun) => Error },
  signal: AbortSignal,
): Promise<T> {
  const answered = new AbortController();
  const stop = AbortSignal.any([signal, answered.signal]);
  const startMs = clock.monotonic();
  const before = process.usage();
  let ended: Error | undefined;
  const watch = async (): Promise<void> => {
    while (ended === undefined) {
      await clock.sleep(lookMs, stop);
      const now = process.usage();
      const by = overrunBy(limits, {
        cpuMs: (now?.cpuMs ?? 0) - (before?.cpuMs ?? 0),
        clockMs: clock.monotonic() - startMs,
        memoryBytes: now?.memoryBytes ?? 0,
      });
      if (by === undefined) continue;
      ended = overrun(by);
      process.kill();
    }
  };
  watch().catch(() => {}); // answered, or aborted
  try {
    return await orAborted(asked(), signal);
  } catch (error) {
    throw ended ?? error;
  } finally {
    answered.abort();
  }
}

function overrunBy(limits: RequestLimits, used: RequestLimits): Overrun | undefined {
  if (used.memoryBytes > limits.memoryBytes) return "memory";
  if (used.cpuMs > limits.cpuMs) return "cpu";
  return used.clockMs > limits.clockMs ? "clock" : undefined;
}
