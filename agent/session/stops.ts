import type { Clock } from "@guardbee/kube";
import { objectOf, stepBelow } from "@guardbee/policy/sets";
import type { Logger } from "pino";
import type { Engine, NamedSet } from "../engine.ts";
import { readRepeatedly } from "./read-repeatedly.ts";

/** What one content of a SelectorSet object has stopped on this node. */
export type StopTotals = {
  /** At least so many calls, in monitor mode those that it would have stopped. */
  readonly count: number;
  /** At least so many that it let go, because their process is a part of the node itself. */
  readonly ofProtected: number;
};

export type StopsOptions = {
  readonly engine: Pick<Engine, "stops">;
  /** The sets whose stops somebody asks for. */
  readonly watched: () => readonly Pick<NamedSet, "name">[];
  /** `of` gives other numbers than before. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Logger;
};

const READ_MS = 2_000;

/**
 * How many calls each SelectorSet object stopped, or in monitor mode would have, as the kernel counts
 * them: whether or not an event was reported, was lost, or an agent ran. Told in steps of 1, 2, 5,
 * 10, 20, 50 and so on, so that a policy that stops a million calls costs twenty reports.
 */
export class Stops {
  readonly #options: StopsOptions;
  /** By object name and hash. Written by `read`. */
  #totals: ReadonlyMap<string, StopTotals> = new Map();
  /** Names of the sets that were asked for last. Same writer. */
  #read: ReadonlySet<string> = new Set();
  /** The kernel could not be read last time. Same writer. */
  #unread = false;

  constructor(options: StopsOptions) {
    this.#options = options;
  }

  of(object: string, hash: string): StopTotals {
    return this.#totals.get(`${object}\n${hash}`) ?? none;
  }

  /** Whether there may be more than is told: what was counted since could not be read. */
  get unread(): boolean {
    return this.#unread;
  }

  /** `watched` may have changed: a report must not say that sets which were not read stopped nothing. */
  follow(): void {
    if (this.#options.watched().some(({ name }) => !this.#read.has(name))) this.read();
  }

  /** Takes what the kernel has counted by now. What cannot be read stays as it was. */
  read(): void {
    const { engine, watched, log } = this.#options;
    try {
      const sets = new Set(watched().map(({ name }) => name));
      const sums = new Map<string, StopTotals>();
      for (const [name, { hash, stopped, wouldStop, ofProtected }] of engine.stops(sets)) {
        const key = `${objectOf(name)}\n${hash}`;
        if (stopped + wouldStop + ofProtected === 0) continue;
        const before = sums.get(key) ?? none;
        sums.set(key, {
          count: before.count + stopped + wouldStop,
          ofProtected: before.ofProtected + ofProtected,
        });
      }
      this.#read = sets;
      this.#unread = false;
      this.#totals = new Map([...sums].map(([key, sum]) => [key, inSteps(sum)]));
    } catch (error) {
      this.#unread = true;
      log.error({ err: error }, "stops cannot be read from the kernel");
    }
  }

  /** Reads every two seconds until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, onChange, log } = this.#options;
    const read = () => this.read();
    const told = () => [this.#totals, this.#unread];
    const failure = "stops cannot be told";
    await readRepeatedly({ read, told, onChange, everyMs: READ_MS, failure, clock, log }, signal);
  }
}

const none: StopTotals = { count: 0, ofProtected: 0 };

function inSteps({ count, ofProtected }: StopTotals): StopTotals {
  return { count: stepBelow(count), ofProtected: stepBelow(ofProtected) };
}
