import { setTimeout as sleep } from "node:timers/promises";
import { elapsed, teller } from "../../../build/progress.ts";

/** Shows one line of what the lab does. */
export const tell = teller("lab");

/** What a wait waits for: undefined while it goes on, a value when it is over. */
export type Probe<T> = () => Promise<T | undefined>;

/**
 * The probe's first value that is not undefined. Says what it waits for after three seconds and
 * again every twenty. Throws after `timeoutMs`, with `detail()` if there is one.
 */
export async function waitFor<T>(
  what: string,
  probe: Probe<T>,
  options: { timeoutMs: number; everyMs?: number; detail?: () => string },
): Promise<T> {
  const startedAt = performance.now();
  let nextTellMs = 3_000;
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    const waitedMs = performance.now() - startedAt;
    const detail = options.detail?.() ?? "";
    const suffix = detail === "" ? "" : `: ${detail}`;
    if (waitedMs > options.timeoutMs) {
      throw new Error(`lab: no ${what} after ${elapsed(startedAt)}${suffix}`);
    }
    if (waitedMs > nextTellMs) {
      tell(`waiting for ${what} (${elapsed(startedAt)})${suffix}`);
      nextTellMs = waitedMs + 20_000;
    }
    await sleep(options.everyMs ?? 250);
  }
}
