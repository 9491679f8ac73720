import type { Clock } from "@guardbee/kube";
import type { Logger } from "pino";

import { Wakeup } from "../scope/wakeup.ts";

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
const IDLE_MS = 3_600_000;

/** Saves after changes. A disk that cannot be written is logged: it costs the next boot, not this one. */
export class Saver {
  readonly #options: SaverOptions;
  readonly #wakeup: Wakeup;
  /** Something changed that is not saved. Written by `poke` and `run`. */
  #dirty = false;

  constructor(options: SaverOptions) {
    this.#options = options;
    this.#wakeup = new Wakeup(options.clock);
  }

  poke(): void {
    this.#dirty = true;
    this.#wakeup.wake();
  }

  /** Saves until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, delayMs } = this.#options;
    try {
      for (;;) {
        if (!this.#dirty) await this.#wakeup.sleep(IDLE_MS, signal);
        await clock.sleep(delayMs, signal);
        if (this.#dirty && !(await this.#save())) await clock.sleep(RETRY_MS, signal);
      }
    } catch (error) {
      if (error !== signal.reason) throw error; // abort is the normal end of run()
    }
  }

  async #save(): Promise<boolean> {
    this.#dirty = false;
    try {
      await this.#options.save();
      return true;
    } catch (error) {
      this.#dirty = true;
      const { subject, log } = this.#options;
      log.warn({ err: error, subject }, "state cannot be saved");
      return false;
    }
  }
}
