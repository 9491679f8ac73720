import type { Clock } from "@guardbee/kube";

/**
 * Work on the main thread that others ask for: one piece after the other, and after each a pause as
 * long as it took. So at least half of the thread is left to the controller and its lease, however
 * much is asked.
 */
export class HalfTime {
  readonly #clock: Clock;
  /** The end of the line. Written by run. */
  #last: Promise<void> = Promise.resolve();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What `work` gives or throws, when it is its turn; what it awaits is not waited for by others. */
  async run<T>(work: () => T, signal: AbortSignal): Promise<T> {
    const turn = this.#last;
    const over = Promise.withResolvers<void>();
    this.#last = over.promise;
    await turn;
    const startMs = this.#clock.monotonic();
    try {
      signal.throwIfAborted();
      return work();
    } finally {
      const tookMs = this.#clock.monotonic() - startMs;
      if (tookMs < 1) over.resolve();
      else this.#clock.sleep(tookMs, never).then(over.resolve);
    }
  }
}

const never = new AbortController().signal;
