import type { TurnOwner } from "@guardbee/kube";
import type { Result } from "@guardbee/policy";
import type { Logger } from "pino";
import { nextRegoState, type RegoEvent, type RegoPolicyState, unitInForce } from "./rego-state.ts";
import {
  type LoadOptions,
  loadUnit,
  type RegoContent,
  type RegoUnit,
  type UnitOptions,
  unitKey,
} from "./unit.ts";

export type PolicyRegoOptions = UnitOptions & {
  /** Told when something else is evaluated than before. */
  readonly onChange: () => void;
  /** For one transition each. */
  readonly log: Logger;
};

/** The Rego of one RegoPolicy: what is in force, and beside it what is to take its place. */
export class PolicyRego {
  readonly #options: PolicyRegoOptions;
  /** Written by #enter. */
  #state: RegoPolicyState = { kind: "none" };
  /** Ends with the load that was asked for last. Written by load. */
  #loading: Promise<unknown> = Promise.resolve();

  constructor(options: PolicyRegoOptions) {
    this.#options = options;
  }

  get state(): RegoPolicyState {
    return this.#state;
  }

  /**
   * `content` as it is evaluated, or what stands against it: what is in force, when it is that, or else
   * the candidate from now on. One load follows another: a replica may begin to lead while it gets its
   * guard rails ready.
   */
  load(content: RegoContent, options: LoadOptions, signal: AbortSignal): Promise<Result<RegoUnit>> {
    const loading = this.#loading.then(() => this.#load(content, options, signal));
    this.#loading = loading.catch(() => {}); // told to its caller
    return loading;
  }

  /** What `load` gave is to be evaluated from now on. */
  works(unit: RegoUnit): void {
    this.#enter({ kind: "worked", unit });
  }

  /** What the policy says now is of no use; what is in force stays. */
  fails(why: string): void {
    this.#enter({ kind: "failed", why });
  }

  /** Why evaluations are not tried now, for the cluster's policies or those of its namespace: see Breaker. */
  brokenFor(owners: "any" | TurnOwner): string | undefined {
    const candidate = "candidate" in this.#state ? this.#state.candidate?.loaded : undefined;
    const units = [unitInForce(this.#state), candidate?.ok ? candidate.value : undefined];
    return units.map((unit) => unit?.brokenFor(owners)).find((why) => why !== undefined);
  }

  async #load(
    content: RegoContent,
    options: LoadOptions,
    signal: AbortSignal,
  ): Promise<Result<RegoUnit>> {
    const key = unitKey(content, options);
    const unit = unitInForce(this.#state);
    if (unit?.key === key) return { ok: true, value: unit };
    const known = "candidate" in this.#state ? this.#state.candidate : undefined;
    if (known?.key === key) return known.loaded;
    const loaded = await loadUnit(content, options, this.#options, signal);
    this.#enter({ kind: "loaded", candidate: { key, loaded } });
    return loaded;
  }

  #enter(event: RegoEvent): void {
    const from = this.#state;
    this.#state = nextRegoState(from, event);
    const { kind: to } = this.#state;
    const { log, onChange } = this.#options;
    const why = event.kind === "failed" ? { reason: event.why } : {};
    if (from.kind !== to)
      log.info({ from: from.kind, to, ...why }, "rego of a policy changed state");
    if (unitInForce(from) !== unitInForce(this.#state)) onChange();
  }
}
