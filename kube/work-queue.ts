import { setImmediate } from "node:timers/promises";
import type { Logger } from "pino";
import { type BackOff, backOffMs } from "./back-off.ts";
import { type Clock, systemClock } from "./clock.ts";
import { DueKeys } from "./due-keys.ts";
import { FairTurns, type TurnShares } from "./fair-turns.ts";
import { askedDelayMs } from "./kube-error.ts";
import { Wakeup } from "./wakeup.ts";

/** How the work on a key ended. Throwing means: again, with back-off. There is no other knob. */
export type Outcome =
  | { readonly kind: "done" }
  /** Again after `delayMs`, unless something adds the key sooner. */
  | { readonly kind: "after"; readonly delayMs: number };

export const done: Outcome = { kind: "done" };
export const after = (delayMs: number): Outcome => ({ kind: "after", delayMs });

/** What is done about a key. */
export type Work = (key: string, signal: AbortSignal) => Promise<Outcome>;

export type WorkQueueOptions = {
  readonly log: Logger;
  /** Keys worked on at once; default 4. */
  readonly concurrency?: number;
  /** Whose key it is, for queueShares; undefined, the default, for the cluster's. */
  readonly namespaceOf?: (key: string) => string | undefined;
  /** Between attempts that fail; default 500 ms doubling to 60 s. */
  readonly backOff?: BackOff;
  readonly clock?: Clock;
};

/** Keys by where they stand, and how long the one that is due the longest has waited. */
export type QueueDepth = {
  /** To be worked on at a later time: after a delay, or again after a failure. */
  readonly later: number;
  readonly due: number;
  readonly active: number;
  readonly overdueMs: number;
};

const defaultBackOff: BackOff = { firstMs: 500, maxMs: 60_000 };
/** Work may not keep the event loop for longer: the lease is renewed in it, and watches are read. */
const turnMs = 20;

/**
 * Of so many workers, one is kept for the cluster's keys, where there are two, and no namespace has
 * more than half of the others.
 */
export function queueShares(workers: number): TurnShares {
  const reserved = workers > 1 ? 1 : 0;
  const perNamespace = Math.max((workers - reserved) >> 1, 1);
  return { size: workers, reserved, perNamespace, cluster: "among" };
}

/**
 * A queue of keys, fair by namespace. Merge rule: a key is in it at most once, due at the earliest
 * time anyone asked for; a key added while it is being worked on is worked on again afterwards, never
 * twice at once. It takes keys before it runs, and between two runs.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #clock: Clock;
  /** Every key that waits → when it is due, in monotonic ms. Written by add and #take. */
  readonly #due = new Map<string, number>();
  /** Those not yet due, and times that `add` brought forward since. Written by add and #ripen. */
  readonly #later = new DueKeys();
  /** Those due, by whose turn it is. Written by #ripen, #take and #workOn. */
  readonly #turns: FairTurns<string>;
  /** Keys being worked on. Written by #take and #workOn. */
  readonly #active = new Set<string>();
  /** Key → failures in a row. Written by #finish and #retry. */
  readonly #failures = new Map<string, number>();
  /** When the run under way began, monotonic; undefined while there is none. Written by run. */
  #runsSinceMs: number | undefined;
  /** Of the loop in `run`. */
  readonly #wakeup: Wakeup;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#wakeup = new Wakeup(this.#clock);
    this.#turns = new FairTurns(queueShares(options.concurrency ?? 4));
  }

  /** Asks for work on `key`, now or after `delayMs`. */
  add(key: string, delayMs = 0): void {
    const dueMs = this.#clock.monotonic() + delayMs;
    const known = this.#due.get(key);
    if (known !== undefined && known <= dueMs) return;
    this.#due.set(key, dueMs);
    if (this.#active.has(key)) return; // #workOn puts it in line
    this.#later.push({ key, dueMs });
    this.#wakeup.wake();
  }

  /** Whether keys are worked on. */
  get runs(): boolean {
    return this.#runsSinceMs !== undefined;
  }

  /** What waited while nothing ran is overdue from the beginning of the run. */
  depth(): QueueDepth {
    const nowMs = this.#clock.monotonic();
    const sinceMs = this.#runsSinceMs ?? nowMs;
    let due = 0;
    let overdueMs = 0;
    for (const dueMs of this.#due.values()) {
      if (dueMs > nowMs) continue;
      due++;
      overdueMs = Math.max(overdueMs, nowMs - Math.max(dueMs, sinceMs));
    }
    return { later: this.#due.size - due, due, active: this.#active.size, overdueMs };
  }

  /** Works until `signal` aborts, then waits for the work under way; one run at a time. */
  async run(work: Work, signal: AbortSignal): Promise<void> {
    const under = new Set<Promise<void>>();
    let turnSinceMs = this.#clock.monotonic();
    this.#runsSinceMs = turnSinceMs;
    while (!signal.aborted) {
      if (this.#clock.monotonic() - turnSinceMs > turnMs) {
        await setImmediate(); // work that waits for nothing is one long turn else
        turnSinceMs = this.#clock.monotonic();
      }
      const key = this.#take();
      if (key === undefined) {
        await this.#idle(signal);
        continue;
      }
      const one = this.#workOn(key, work, signal).finally(() => under.delete(one));
      under.add(one);
    }
    await Promise.all(under);
    this.#runsSinceMs = undefined;
  }

  /** The key whose turn it is, marked active; undefined when none is due or may start. */
  #take(): string | undefined {
    this.#ripen();
    const key = this.#turns.take();
    if (key === undefined) return undefined;
    this.#due.delete(key);
    this.#active.add(key);
    return key;
  }

  /** Puts what has become due in line for its turn. */
  #ripen(): void {
    const nowMs = this.#clock.monotonic();
    for (let next = this.#later.first(); next !== undefined; next = this.#later.first()) {
      const current = this.#due.get(next.key) === next.dueMs; // else it was brought forward
      if (current && next.dueMs > nowMs) return;
      this.#later.shift();
      if (current) this.#turns.add(next.key, this.#options.namespaceOf?.(next.key));
    }
  }

  /** Sleeps until the next key may start, or something changes. */
  async #idle(signal: AbortSignal): Promise<void> {
    const nextMs = this.#later.first()?.dueMs ?? Number.POSITIVE_INFINITY;
    const dueMs = Math.min(nextMs - this.#clock.monotonic(), 3_600_000);
    await this.#wakeup.sleep(dueMs, signal).catch(() => {}); // aborted: the loop ends
  }

  async #workOn(key: string, work: Work, signal: AbortSignal): Promise<void> {
    try {
      this.#finish(key, await work(key, signal));
    } catch (error) {
      if (signal.aborted) return;
      this.#retry(key, error);
    } finally {
      this.#active.delete(key);
      this.#turns.finish(this.#options.namespaceOf?.(key));
      const dueMs = this.#due.get(key); // asked for meanwhile
      if (dueMs !== undefined) this.#later.push({ key, dueMs });
      this.#wakeup.wake();
    }
  }

  #finish(key: string, outcome: Outcome): void {
    this.#failures.delete(key);
    if (outcome.kind === "after") this.add(key, outcome.delayMs);
  }

  #retry(key: string, error: unknown): void {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const { backOff = defaultBackOff } = this.#options;
    const delayMs = Math.max(backOffMs(failures, backOff), askedDelayMs(error));
    this.#options.log.warn({ ref: key, err: error, failures, delayMs }, "work is tried again");
    this.add(key, delayMs);
  }
}
