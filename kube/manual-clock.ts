import type { Clock } from "./clock.ts";

type Sleeper = { readonly dueMs: number; readonly wake: () => void };

/**
 * A Clock that moves only when a test says so. `advance` wakes sleepers in the order they are due
 * and lets what they started run before the next one; `asleep(n)` waits until n of them sleep.
 */
export class ManualClock implements Clock {
  /** Written by advance only. */
  #nowMs: number;
  /** Written by sleep and advance. */
  readonly #sleepers = new Set<Sleeper>();
  /** Tests that wait for a number of sleepers. Written by asleep and #tell. */
  readonly #watchers = new Set<{ readonly count: number; readonly tell: () => void }>();

  constructor(nowMs = Date.parse("2026-01-01T00:00:00Z")) {
    this.#nowMs = nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (ms <= 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason);
      };
      const sleeper: Sleeper = {
        dueMs: this.#nowMs + ms,
        wake: () => {
          signal.removeEventListener("abort", abort);
          this.#sleepers.delete(sleeper);
          resolve();
        },
      };
      signal.addEventListener("abort", abort, { once: true });
      this.#sleepers.add(sleeper);
      this.#tell();
    });
  }

  /** Moves time by `ms`, waking sleepers at their own instants. */
  async advance(ms: number): Promise<void> {
    await settle();
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#sleepers].filter((sleeper) => sleeper.dueMs <= endMs);
      const first = due.sort((a, b) => a.dueMs - b.dueMs)[0];
      if (first === undefined) break;
      this.#nowMs = Math.max(this.#nowMs, first.dueMs);
      first.wake();
      await settle();
    }
    this.#nowMs = endMs;
    await settle();
  }

  /** Resolves when at least `count` sleepers are waiting. */
  asleep(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#watchers.add({ count, tell: resolve });
      this.#tell();
    });
  }

  /** When each sleeper is due, in milliseconds from now, soonest first. */
  pending(): readonly number[] {
    return [...this.#sleepers].map((one) => one.dueMs - this.#nowMs).sort((a, b) => a - b);
  }

  #tell(): void {
    for (const watcher of this.#watchers) {
      if (this.#sleepers.size < watcher.count) continue;
      this.#watchers.delete(watcher);
      watcher.tell();
    }
  }
}

/** Lets promise reactions and one turn of the event loop run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
