import type { Mode } from "@guardbee/policy";
import type { Logger } from "pino";
import type { NamedSet, SetCounts, SetState } from "../engine.ts";
import { AddedPolicies, isAdded, type ReadPolicies } from "./added-policies.ts";
import type { AddedStore } from "./added-store.ts";
import {
  absent,
  inMode,
  type ListedPolicy,
  type NotDone,
  type PolicyAt,
  type PolicyState,
  sameState,
  stateOf,
} from "./policy-changes.ts";
import { Settling } from "./settling.ts";

export type PolicyControlOptions = {
  /** Of the policies that are not added here: in the cluster, or in files. */
  readonly domain: "k8s" | "static";
  /** Those policies, as they are there; undefined while that is not known. */
  readonly sets: () => readonly NamedSet[] | undefined;
  readonly stops: (sets: ReadonlySet<string>) => ReadonlyMap<string, SetCounts>;
  /** What the kernel is to hold has changed. */
  readonly onChange: () => void;
  readonly store: AddedStore;
  readonly read: (text: string, file: string) => Promise<ReadPolicies>;
  readonly log: Logger;
};

/** How one of the cluster's policies, or of a file's, differs here; until its content changes there. */
type Override = { readonly hash: string; readonly enabled: boolean; readonly mode?: Mode };

/**
 * What is done to the policies of this node from the node itself: some are added, and those of the
 * cluster or of files are held in another mode, or not. That ends with the agent, or with another
 * content there, and is said of each that it is so (`changed`).
 */
export class PolicyControl {
  readonly added: AddedPolicies;
  readonly #options: PolicyControlOptions;
  /** By set. Written by `configure` and `#overrideOf`. */
  readonly #overrides = new Map<string, Override>();
  /** By set, so that a policy keeps its number. */
  readonly #ids = new Map<string, number>();
  readonly #settling = new Settling();
  #states: readonly SetState[] = [];

  constructor(options: PolicyControlOptions) {
    this.#options = options;
    const { onChange, store, read, log } = options;
    const taken = ["k8s", "static"];
    this.added = new AddedPolicies({ onChange, store, read, log, taken, idOf: this.#idOf });
  }

  /** What the kernel is to hold; undefined while that is not known. */
  sets(): readonly NamedSet[] | undefined {
    const base = this.#options.sets();
    if (base === undefined) return undefined;
    return [...base.flatMap((set) => this.#overridden(set)), ...this.added.sets()];
  }

  /** The kernel was programmed. */
  enter(states: readonly SetState[]): void {
    this.#states = states;
    this.added.enter(states);
    this.#settling.look();
  }

  /** Why a set of the cluster's is not in force as it is there; undefined: nobody changed it here. */
  changed(set: NamedSet): string | undefined {
    const override = this.#overrideOf(set);
    if (override === undefined) return undefined;
    if (!override.enabled) return "was disabled on this node over gRPC";
    return `was set to mode ${override.mode} on this node over gRPC`;
  }

  list(): readonly ListedPolicy[] {
    const listed = this.#all();
    const stops = this.#stopsOf(listed);
    return listed
      .map((policy) => ({ ...policy, ...stops.get(policy.set?.name ?? "") }))
      .sort((a, b) => a.id - b.id);
  }

  /** How many policies are at each state. */
  states(): Readonly<Partial<Record<PolicyState, number>>> {
    const byState = Object.groupBy(this.#all(), ({ state }) => state);
    return Object.fromEntries(Object.entries(byState).map(([state, all]) => [state, all.length]));
  }

  #all(): readonly ListedPolicy[] {
    const base = this.#options.sets() ?? [];
    return [...base.map((set) => this.#listed(set)), ...this.added.list()];
  }

  domains(): readonly string[] {
    return [...new Set([this.#options.domain, "grpc", ...this.added.domains()])].sort();
  }

  async remove(at: PolicyAt, signal: AbortSignal): Promise<NotDone | undefined> {
    if (at.domain !== this.#options.domain) return this.added.remove(at, signal);
    const where =
      at.domain === "k8s" ? "in the cluster; kubectl deletes it" : "in a file; remove it there";
    const message = `policy ${at.name} is ${where}, and tetra tracingpolicy disable ends it on this node`;
    return this.#find(at) === undefined ? absent(at) : { kind: "state", message };
  }

  /** Ends or begins a policy, or puts it in another mode. Resolves when the kernel holds it so. */
  async configure(
    at: PolicyAt,
    to: { readonly enable?: boolean | undefined; readonly mode?: Mode | undefined },
    signal: AbortSignal,
  ): Promise<NotDone | undefined> {
    if (at.domain !== this.#options.domain) return this.added.configure(at, to, signal);
    const set = this.#find(at);
    if (set === undefined) return absent(at);
    const before = this.#overrideOf(set);
    const enabled = before?.enabled ?? true;
    if (to.enable === enabled) return sameState(at, enabled);
    const mode = to.mode ?? before?.mode;
    this.#override(set, {
      ...{ hash: set.hash, enabled: to.enable ?? enabled },
      ...(mode === undefined ? {} : { mode }),
    });
    const failed = await this.#settled(set, signal);
    if (failed === undefined) return undefined;
    // What cannot be had must not end what was in force.
    this.#override(set, before ?? { hash: set.hash, enabled: true });
    return { kind: "failed", message: failed };
  }

  #override(set: NamedSet, to: Override): void {
    const isAsThere = to.enabled && inMode(set, to.mode).hash === set.hash;
    if (isAsThere) this.#overrides.delete(set.name);
    else this.#overrides.set(set.name, to);
    const { enabled, mode = set.set.mode } = to;
    this.#options.log.warn({ set: set.name, enabled, mode }, "policy is changed on this node");
    this.#options.onChange();
  }

  /** Resolves when the kernel holds a set as it is to be held here: with why it does not, where it does not. */
  async #settled(set: NamedSet, signal: AbortSignal): Promise<string | undefined> {
    const { failed } = await this.#settling.until(() => {
      const [wanted] = this.#overridden(set);
      const state = this.#states.find(({ name }) => name === set.name);
      if (wanted === undefined) return state === undefined ? { failed: undefined } : undefined;
      if (state?.hash !== wanted.hash) return undefined;
      return { failed: state.state === "failed" ? state.message : undefined };
    }, signal);
    return failed;
  }

  #find({ name, namespace }: PolicyAt): NamedSet | undefined {
    return this.#options
      .sets()
      ?.find(
        ({ set: { policy } }) => policy.name === name && (policy.namespace ?? "") === namespace,
      );
  }

  /** One of another content than it was made for is over: what the cluster says last holds. */
  #overrideOf({ name, hash }: NamedSet): Override | undefined {
    const found = this.#overrides.get(name);
    if (found !== undefined && found.hash !== hash) this.#overrides.delete(name);
    return this.#overrides.get(name);
  }

  #overridden(set: NamedSet): readonly NamedSet[] {
    const override = this.#overrideOf(set);
    if (override === undefined) return [set];
    return override.enabled ? [inMode(set, override.mode)] : [];
  }

  #listed(set: NamedSet): ListedPolicy {
    const override = this.#overrideOf(set);
    const shown = inMode(set, override?.mode);
    const state = this.#states.find(({ name, hash }) => name === shown.name && hash === shown.hash);
    const { name, namespace = "" } = set.set.policy;
    return {
      ...{ id: this.#idOf(set.name), domain: this.#options.domain, name, namespace },
      state: override?.enabled === false ? "disabled" : stateOf(state),
      error: state?.state === "failed" ? state.message : "",
      info: this.changed(set) ?? "",
      ...{ mode: shown.set.mode, set: shown },
    };
  }

  #stopsOf(listed: readonly ListedPolicy[]): ReadonlyMap<string, { readonly stops: SetCounts }> {
    const inForce = listed.flatMap(({ state, set }) =>
      state === "enabled" && set ? [set.name] : [],
    );
    try {
      const stops = this.#options.stops(new Set(inForce));
      return new Map([...stops].map(([name, counts]) => [name, { stops: counts }]));
    } catch (err) {
      this.#options.log.warn({ err }, "stops of policies cannot be read");
      return new Map();
    }
  }

  readonly #idOf = (set: string): number => {
    const id = this.#ids.get(set) ?? this.#ids.size + 1;
    this.#ids.set(set, id);
    return id;
  };
}

/** Of the states of the kernel, those of policies that are not added here. */
export function ofCluster(states: readonly SetState[]): readonly SetState[] {
  return states.filter(({ name }) => !isAdded(name));
}
