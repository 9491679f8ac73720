/** How long work may take in a row, and which part of the time it may take on average. */
const mostMs = 200;
const share = 0.1;

/** What `spend` gives for work that was not done. */
export const busy: unique symbol = Symbol("busy");

/**
 * Lets work be done that takes no more than a tenth of the time. What others can make long (a process
 * chooses how much it maps, and which files) would keep the agent from its events otherwise.
 */
export class TimeShare {
  readonly #monotonic: () => number;
  /** What is left. Below 0 after work that took longer. Written by `#refill` and `spend`. */
  #leftMs = mostMs;
  #filledAt: number;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
    this.#filledAt = monotonic();
  }

  /** What `work` gives; `busy`: there is no time for it now. */
  spend<T>(work: () => T): T | typeof busy {
    const began = this.#monotonic();
    this.#refill(began);
    if (this.#leftMs <= 0) return busy;
    try {
      return work();
    } finally {
      this.#leftMs -= this.#monotonic() - began;
    }
  }

  #refill(now: number): void {
    this.#leftMs = Math.min(mostMs, this.#leftMs + (now - this.#filledAt) * share);
    this.#filledAt = now;
  }
}
