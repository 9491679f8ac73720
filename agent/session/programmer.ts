import { type BackOff, backOffMs, type Clock, Loop, type NextStep } from "@guardbee/kube";
import type { Logger } from "pino";

import type { Desired, Engine, NamedSet, SetState } from "../engine.ts";
import { equalScopes } from "../scope/resolve.ts";

export type ProgrammerOptions = {
  readonly engine: Engine;
  /** What the kernel should hold now; undefined while that is not known and nothing may change. */
  readonly desired: () => Desired | undefined;
  /** Where sets have other versions to go on with; none by default. */
  readonly versions?: Versions;
  /** Called when `states` has changed. */
  readonly onProgrammed: () => void;
  readonly clock: Clock;
  readonly log: Logger;
};

/** Versions of sets before those in `desired`. */
export type Versions = {
  /** Names of sets in `desired` of which there is one. */
  readonly spared: () => ReadonlySet<string>;
  /** These are refused: `desired` has the versions before from now on. */
  readonly refuse: (states: readonly SetState[]) => void;
  /** Some were refused for a cause that may be gone at the next try. */
  readonly mayPass: () => boolean;
  /** `desired` has them again. */
  readonly retry: () => void;
  /** What an agent before this one had in force. */
  readonly before: () => readonly NamedSet[];
  /** What the kernel holds. */
  readonly enter: (states: readonly SetState[]) => void;
};

const RETRY: BackOff = { firstMs: 1_000, maxMs: 60_000 };

/**
 * Keeps the kernel at `desired`: one call of the engine at a time, each with the newest state, so
 * that changes made during a call become one. Sets that are the same are not programmed again.
 */
export class Programmer {
  readonly #options: ProgrammerOptions;
  readonly #loop: Loop;
  /** What the engine was given last, as far as it succeeded. Written by `#follow` and `#assign`. */
  #held: Desired | undefined;
  /** undefined before the first program. Written by `#enter`. */
  #states: readonly SetState[] | undefined;
  /** When what failed is tried again; undefined: nothing that can pass. Written by `#step`, `#follow` and `#assign`. */
  #retry: { readonly failures: number; readonly atMs: number } | undefined;

  /** Somebody else changed what the kernel holds. Written by `again` and `#follow`. */
  #isOther = false;

  constructor(options: ProgrammerOptions) {
    this.#options = options;
    const { clock, log } = options;
    const failure = "the kernel cannot be programmed";
    this.#loop = new Loop({
      step: () => this.#step(),
      failure,
      level: "error",
      backOff: RETRY,
      clock,
      log,
    });
  }

  /** The kernel does not hold what it was given: it is programmed again, whatever is wanted. */
  again(): void {
    this.#isOther = true;
    this.#loop.wake();
  }

  /** `desired` may have changed. */
  poke(): void {
    this.#loop.wake();
  }

  /** What became of each set, as far as known; undefined before anything was programmed. */
  states(): readonly SetState[] | undefined {
    return this.#states;
  }

  /** Whether the kernel holds the sets that are wanted now. */
  settled(): boolean {
    const sets = this.#options.desired()?.sets;
    return sets !== undefined && this.#held !== undefined && equalSets(sets, this.#held.sets);
  }

  /** Whether the kernel was programmed, and nothing failed that another try may mend. */
  ready(): boolean {
    return this.#held !== undefined && !this.#mayPass() && !this.#isPartial();
  }

  /** What the kernel was told last, as far as it succeeded. */
  held(): Desired | undefined {
    return this.#held;
  }

  /** Follows `desired` until `signal` aborts; a call of the engine under way is waited for. */
  run(signal: AbortSignal): Promise<void> {
    return this.#loop.run(signal);
  }

  async #step(): Promise<NextStep> {
    const { clock } = this.#options;
    try {
      await this.#follow();
    } catch (error) {
      this.#retry = this.#later();
      throw error;
    }
    return this.#retry ? { againInMs: Math.max(0, this.#retry.atMs - clock.monotonic()) } : {};
  }

  async #follow(): Promise<void> {
    const { clock, versions } = this.#options;
    const due = this.#retry !== undefined && clock.monotonic() >= this.#retry.atMs;
    if (due) versions?.retry();
    const desired = this.#options.desired();
    if (desired === undefined) {
      this.#retry = undefined;
      return;
    }
    if (
      this.#held === undefined ||
      this.#isOther ||
      !equalSets(desired.sets, this.#held.sets) ||
      (due && this.#mayPass())
    ) {
      if (!(await this.#program(desired))) {
        this.#retry = this.#later();
        return this.#follow();
      }
      this.#held = desired;
      this.#isOther = false;
      this.#retry = this.#later();
    } else if (!equalScopes(desired.scopes, this.#held.scopes) || (due && this.#isPartial())) {
      await this.#assign(desired);
    }
    if (!this.#mayPass() && !this.#isPartial()) this.#retry = undefined;
  }

  async #assign(desired: Desired): Promise<void> {
    const { engine, onProgrammed, log } = this.#options;
    const wasPartial = this.#isPartial();
    await engine.assign(desired.scopes);
    log.debug({ cgroups: desired.scopes.cgroups.length }, "scopes assigned");
    this.#held = desired;
    const cgroups = engine.unassigned();
    if (cgroups.size > 0) {
      const [code] = cgroups.values();
      log.error({ cgroups: cgroups.size, code }, "cgroups lack policies that hold there");
      this.#retry = this.#later();
    }
    if (wasPartial || cgroups.size > 0) onProgrammed();
  }

  /** Whether some cgroups do not have the sets that they should. */
  #isPartial(): boolean {
    return this.#options.engine.unassigned().size > 0;
  }

  /** Whether some set failed for a cause that may be gone at the next try. */
  #mayPass(): boolean {
    const failed = this.#states?.some((state) => state.state === "failed" && state.mayPass);
    return failed || (this.#options.versions?.mayPass() ?? false);
  }

  #later(): { readonly failures: number; readonly atMs: number } {
    const failures = (this.#retry?.failures ?? 0) + 1;
    const atMs = this.#options.clock.monotonic() + backOffMs(failures, RETRY);
    return { failures, atMs };
  }

  /**
   * False when nothing was changed, because the versions before are to hold instead. When the engine
   * throws, what held goes on and the rest is failed until it works again.
   */
  async #program(desired: Desired): Promise<boolean> {
    const { engine, versions, onProgrammed, log } = this.#options;
    try {
      const done = await engine.program(desired, versions?.spared(), versions?.before());
      if (done.kind === "programmed") {
        this.#enter(done.states);
        return true;
      }
      for (const state of done.refused) log.error(state, "set refused; its version before stays");
      versions?.refuse(done.refused);
      onProgrammed();
      return false;
    } catch (error) {
      this.#isOther = true; // it may have come into force all the same
      const message = error instanceof Error ? error.message : String(error);
      const wanted = new Set(desired.sets.map(({ name }) => name));
      this.#enter([
        ...desired.sets.map((set) => this.#heldState(set) ?? failed(set, message)),
        ...(this.#states ?? []).filter(({ name }) => !wanted.has(name)),
      ]);
      throw error;
    }
  }

  #heldState({ name, hash }: NamedSet): SetState | undefined {
    return this.#states?.find((state) => state.name === name && state.hash === hash);
  }

  #enter(states: readonly SetState[]): void {
    logStates(this.#options.log, this.#states ?? [], states);
    this.#states = states;
    this.#options.versions?.enter(states);
    this.#options.onProgrammed();
  }
}

function failed({ name, hash }: NamedSet, message: string): SetState {
  return { name, hash, state: "failed", reason: "LoadFailed", message };
}

function equalSets(a: readonly NamedSet[], b: readonly NamedSet[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ name, hash }, at) => name === b[at]?.name && hash === b[at]?.hash)
  );
}

function logStates(log: Logger, before: readonly SetState[], after: readonly SetState[]): void {
  const was = new Map(before.map((state) => [state.name, state]));
  for (const state of after) {
    const from = was.get(state.name);
    was.delete(state.name);
    if (from?.hash === state.hash && from.state === state.state) continue;
    const facts = { set: state.name, from: from?.state ?? "absent", to: state.state };
    if (state.state === "programmed") {
      log.info({ ...facts, attachments: state.attachments }, "set changed its state");
    } else {
      log.error(
        { ...facts, reason: state.reason, message: state.message },
        "set changed its state",
      );
    }
  }
  for (const { name, state } of was.values()) {
    log.info({ set: name, from: state, to: "absent" }, "set changed its state");
  }
}
