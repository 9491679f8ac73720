import type { Clock } from "./clock.ts";

/**
 * A sleep that others can end early. Waking while nobody sleeps makes the next sleep end at once;
 * waking twice is the same as once.
 */
export class Wakeup {
  readonly #clock: Clock;
  /** Written by `wake`, `reset` and `sleep`: the sleep under way, and whether it is to end. */
  #woken = false;
  #sleeper: AbortController | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  wake(): void {
    this.#woken = true;
    this.#sleeper?.abort(this);
  }

  /** Forgets a wake that no sleep has ended by: what it was for is about to be done. */
  reset(): void {
    this.#woken = false;
  }

  /** Resolves after `ms` or when woken, whichever is first; rejects with `signal.reason`. One sleeper. */
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    const sleeper = new AbortController();
    this.#sleeper = sleeper;
    if (this.#woken) sleeper.abort(this);
    try {
      await this.#clock.sleep(ms, AbortSignal.any([signal, sleeper.signal]));
    } catch (error) {
      signal.throwIfAborted();
      if (!sleeper.signal.aborted) throw error;
    } finally {
      this.#sleeper = undefined;
      this.#woken = false;
    }
  }
}
