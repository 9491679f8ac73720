import { type Clock, Loop, type NextStep } from "@guardbee/kube";
import type { Logger } from "pino";
import {
  type Difference,
  type DifferenceKind,
  differenceKinds,
  type Engine,
  type TamperCounts,
} from "../engine.ts";

export type TamperingOptions = {
  readonly engine: Pick<Engine, "check">;
  /** Programs the kernel again, soon. */
  readonly programAgain: () => void;
  /** `unrepaired` or `last` may give something else than before. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Logger;
};

const CHECK_MS = 10_000;
/** What could not be repaired at once is looked at again. */
const AGAIN_MS = 1_000;

/**
 * Looks every ten seconds whether the kernel holds what it was given, and tells what it does not: of
 * what somebody else changed or removed, how much was found and repaired since this agent runs, and
 * what still is other.
 */
export class Tampering {
  readonly #options: TamperingOptions;
  readonly #loop: Loop;
  readonly #counts: Record<DifferenceKind, { found: number; repaired: number }>;
  /** By kind and what it is. Written by `#enter`. */
  #unrepaired: ReadonlyMap<string, Difference> = new Map();
  /** When something was found last. Same writer. */
  #lastAt: Date | undefined;

  constructor(options: TamperingOptions) {
    this.#options = options;
    this.#counts = Object.fromEntries(
      differenceKinds.map((kind) => [kind, { found: 0, repaired: 0 }]),
    ) as Record<DifferenceKind, { found: number; repaired: number }>;
    const { clock, log } = options;
    this.#loop = new Loop({
      step: () => this.#step(),
      failure: "it cannot be checked whether the kernel holds what it was given",
      level: "error",
      firstInMs: CHECK_MS,
      ...{ clock, log },
    });
  }

  /** What is other and not repaired yet. */
  unrepaired(): readonly Difference[] {
    return [...this.#unrepaired.values()];
  }

  counts(): TamperCounts {
    return this.#counts;
  }

  /** How much was found, and when last; undefined: nothing. */
  last(): { readonly count: number; readonly at: Date } | undefined {
    if (this.#lastAt === undefined) return undefined;
    const count = Object.values(this.#counts).reduce((sum, { found }) => sum + found, 0);
    return { count, at: this.#lastAt };
  }

  /** Looks now. */
  check(): void {
    this.#loop.wake();
  }

  /** Looks until `signal` aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#loop.run(signal);
  }

  async #step(): Promise<NextStep> {
    this.#enter(await this.#options.engine.check());
    return { againInMs: this.#unrepaired.size > 0 ? AGAIN_MS : CHECK_MS };
  }

  #enter(differences: readonly Difference[]): void {
    const { clock, programAgain, onChange, log } = this.#options;
    const before = this.#unrepaired;
    const still = new Map(differences.map((one) => [`${one.kind} ${one.what}`, one]));
    for (const [key, one] of still) {
      const { kind, what, state } = one;
      if (!before.has(key)) {
        this.#counts[kind].found++;
        this.#lastAt = new Date(clock.now());
        const facts = {
          kind,
          what,
          state,
          ...(one.state === "failed" ? { why: one.message } : {}),
        };
        log.error(facts, "something of Guardbee's in the kernel was changed or removed");
      }
      if (state === "repaired") still.delete(key);
      if (state === "repaired" && !before.has(key)) this.#counts[kind].repaired++;
    }
    for (const [key, { kind, what }] of before) {
      if (still.has(key)) continue;
      this.#counts[kind].repaired++;
      log.info({ kind, what }, "what was changed in the kernel is repaired");
    }
    this.#unrepaired = still;
    if (differences.some(({ state }) => state === "programmable")) programAgain();
    if (differences.length > 0 || before.size > 0) onChange();
  }
}
