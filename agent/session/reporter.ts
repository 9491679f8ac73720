import { isDeepStrictEqual } from "node:util";

import { type Clock, isNotOlder, Loop, type NextStep, OwnWrites } from "@guardbee/kube";
import type { Logger } from "pino";

/** The NodePolicySet as the API server last showed it. */
export type Observed = {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly status: unknown;
};

export type ReporterOptions<S> = {
  /** What this node has to say; undefined: nothing yet. */
  readonly wanted: () => S | undefined;
  /** undefined while there is no object to write to. */
  readonly observed: () => Observed | undefined;
  /** Writes the status to the object of this uid and gives back what is stored then. */
  readonly write: (uid: string, status: S, signal: AbortSignal) => Promise<Observed>;
  /** Nothing is under way that will change `wanted` by itself. */
  readonly settled: () => boolean;
  /** A report waits up to this long, so that a fleet does not write at once and a wave is one write. */
  readonly jitterMs: () => number;
  /** In [0,1). */
  readonly random: () => number;
  readonly clock: Clock;
  readonly log: Logger;
};

/** Between two reports: what is rolled up is written no oftener either. */
const INTERVAL_MS = 5_000;
/**
 * How long a report waits until things are settled, as with an API server that a whole fleet asks at
 * once. A fetch that failed is settled: this is for one that neither fails nor ends.
 */
const SETTLE_MAX_MS = 60_000;
const SETTLE_POLL_MS = 200;

/** The one key of a Reporter's writes. */
const theStatus = "status";

/**
 * Writes this node's status when, and only when, it differs from what the API server has: an agent
 * that restarts and finds everything as it was writes nothing.
 */
export class Reporter<S> {
  readonly #options: ReporterOptions<S>;
  readonly #loop: Loop;
  /** However long the watch is behind: an API server that is down is not to be told twice. */
  readonly #writes: OwnWrites<Observed>;
  /** What was written last and what the server made of it. Written by `#report`. */
  #written: { readonly status: S; readonly stored: Observed } | undefined;
  /** When (monotonic). Written by `#report`. */
  #writtenAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ReporterOptions<S>) {
    this.#options = options;
    const { random, clock, log } = options;
    const limitMs = Number.POSITIVE_INFINITY;
    this.#writes = new OwnWrites<Observed>({ shows: isNotOlder, limitMs, clock });
    this.#loop = new Loop({
      step: (signal) => this.#step(signal),
      failure: "status cannot be reported",
      wakeEndsBackOff: false,
      ...{ random, clock, log },
    });
  }

  /** `wanted` or `observed` may have changed. */
  poke(): void {
    this.#loop.wake();
  }

  /** Reports until `signal` aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#loop.run(signal);
  }

  async #step(signal: AbortSignal): Promise<NextStep> {
    if (this.#due() === undefined) return {};
    const { clock, jitterMs, random } = this.#options;
    const dueMs = Math.max(this.#writtenAtMs + INTERVAL_MS - clock.monotonic(), 0);
    await clock.sleep(dueMs + jitterMs() * random(), signal);
    await this.#settle(signal);
    await this.#report(signal);
    return { againInMs: 0 }; // it may differ again by now
  }

  async #settle(signal: AbortSignal): Promise<void> {
    const { clock, settled } = this.#options;
    const untilMs = clock.monotonic() + SETTLE_MAX_MS;
    while (!settled() && clock.monotonic() < untilMs) await clock.sleep(SETTLE_POLL_MS, signal);
  }

  async #report(signal: AbortSignal): Promise<void> {
    const due = this.#due(); // again: it may have changed, or changed back, while waiting
    if (due === undefined) return;
    const stored = await this.#options.write(due.uid, due.status, signal);
    this.#written = { status: due.status, stored };
    this.#writes.wrote(theStatus, stored);
    this.#writtenAtMs = this.#options.clock.monotonic();
    this.#options.log.info({ status: due.status }, "status reported");
  }

  /** The report to write, or undefined when the server has it. */
  #due(): { readonly uid: string; readonly status: S } | undefined {
    const status = this.#options.wanted();
    const observed = this.#options.observed();
    if (status === undefined || observed === undefined) return undefined;
    const there = this.#writes.current(theStatus, observed) ?? observed;
    const { stored, status: written } = this.#written ?? {};
    const isStored = stored?.uid === there.uid && isDeepStrictEqual(stored.status, there.status);
    // What the server stores may be less than what was written: it may not know each field.
    const known = isStored ? written : there.status;
    return isDeepStrictEqual(status, known) ? undefined : { uid: there.uid, status };
  }
}
