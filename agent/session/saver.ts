import { type Clock, Loop, type NextStep } from "@guardbee/kube";
import type { Logger } from "pino";

export type SaverOptions = {
  /** Shown in the log: what is saved. */
  readonly subject: string;
  readonly save: () => Promise<void>;
  /** Changes within this time are saved together. */
  readonly delayMs: number;
  readonly clock: Clock;
  readonly log: Logger;
};

const RETRY_MS = 30_000;

/** Saves after changes. A disk that cannot be written is logged: it costs the next boot, not this one. */
export class Saver {
  readonly #options: SaverOptions;
  readonly #loop: Loop;
  /** Something changed that is not saved. Written by `poke` and `#step`. */
  #dirty = false;

  constructor(options: SaverOptions) {
    this.#options = options;
    const { subject, clock, log } = options;
    this.#loop = new Loop({
      step: (signal) => this.#step(signal),
      failure: "state cannot be saved",
      backOff: { firstMs: RETRY_MS, maxMs: RETRY_MS },
      wakeEndsBackOff: false,
      clock,
      log: log.child({ subject }),
    });
  }

  poke(): void {
    this.#dirty = true;
    this.#loop.wake();
  }

  /** Saves until `signal` aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#loop.run(signal);
  }

  async #step(signal: AbortSignal): Promise<NextStep> {
    if (!this.#dirty) return {};
    await this.#options.clock.sleep(this.#options.delayMs, signal);
    this.#dirty = false;
    try {
      await this.#options.save();
    } catch (error) {
      this.#dirty = true;
      throw error;
    }
    return {};
  }
}
