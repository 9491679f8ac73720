import type { Logger } from "pino";
import { type BackOff, backOffMs } from "./back-off.ts";
import type { Clock } from "./clock.ts";
import { askedDelayMs } from "./kube-error.ts";
import { untilAborted } from "./until-aborted.ts";
import { Wakeup } from "./wakeup.ts";

/** When the next step is due, unless the loop is woken sooner; without a time: when it is woken. */
export type NextStep = { readonly againInMs?: number };

export type LoopOptions = {
  /** Throwing means: again, with back-off. */
  readonly step: (signal: AbortSignal) => Promise<NextStep>;
  /** The message of a step that threw: what cannot be done. */
  readonly failure: string;
  /** How that is logged; default warn. */
  readonly level?: "error" | "warn" | "debug";
  /** Default 1 s doubling to 60 s. */
  readonly backOff?: BackOff;
  /** Whether `wake` ends the wait after a failure, too; default true. */
  readonly wakeEndsBackOff?: boolean;
  /** When the first step is due; default at once. */
  readonly firstInMs?: number;
  /** In [0,1), for a fleet whose attempts must not come in step; default no jitter. */
  readonly random?: () => number;
  readonly clock: Clock;
  readonly log: Logger;
};

const defaultBackOff: BackOff = { firstMs: 1_000, maxMs: 60_000 };
/** Nothing is due then; sleeping has to end some time. */
const idleMs = 3_600_000;

/**
 * Takes steps, one after the other: the first at once, another when it is woken or the time has come
 * that the last one named, and again with back-off when one throws. A wake during a step is not lost;
 * several are one.
 */
export class Loop {
  readonly #options: LoopOptions;
  readonly #wakeup: Wakeup;
  /** Steps in a row that threw. Written by `#tryStep`. */
  #failures = 0;

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#wakeup = new Wakeup(options.clock);
  }

  /** There may be something to do. */
  wake(): void {
    this.#wakeup.wake();
  }

  /** How many steps failed since the last that did not. */
  get failures(): number {
    return this.#failures;
  }

  /** Takes steps until `signal` aborts; a step under way is waited for. */
  run(signal: AbortSignal): Promise<void> {
    return untilAborted(signal, async () => {
      const { clock, firstInMs = 0, wakeEndsBackOff = true } = this.#options;
      if (firstInMs > 0) await this.#wakeup.sleep(firstInMs, signal);
      for (;;) {
        signal.throwIfAborted();
        this.#wakeup.reset();
        const { againInMs } = await this.#tryStep(signal);
        if (this.#failures > 0 && !wakeEndsBackOff) await clock.sleep(againInMs ?? 0, signal);
        else await this.#wakeup.sleep(againInMs ?? idleMs, signal);
      }
    });
  }

  async #tryStep(signal: AbortSignal): Promise<NextStep> {
    const { step, failure, level = "warn", backOff = defaultBackOff, random, log } = this.#options;
    try {
      const next = await step(signal);
      this.#failures = 0;
      return next;
    } catch (error) {
      if (signal.aborted && error === signal.reason) throw error;
      this.#failures += 1;
      const againInMs = askedDelayMs(error) + backOffMs(this.#failures, backOff, random);
      log[level]({ err: error, failures: this.#failures, againInMs }, failure);
      return { againInMs };
    }
  }
}
