import type { Mode } from "@guardbee/policy";
import type { Logger } from "pino";
import type { NamedSet, SetState } from "../engine.ts";
import type { AddedStore, SavedPolicy } from "./added-store.ts";
import type { ListedPolicy, NotDone, PolicyAt, PolicyState } from "./policy-changes.ts";
import { absent, inMode, sameState } from "./policy-changes.ts";
import { Settling } from "./settling.ts";

export type AddedPoliciesOptions = {
  /** What the kernel is to hold has changed. */
  readonly onChange: () => void;
  readonly store: AddedStore;
  /** The policies in a text, with all that is wrong with it. */
  readonly read: (text: string, file: string) => Promise<ReadPolicies>;
  /** A domain that policies cannot be added to. */
  readonly taken: readonly string[];
  readonly idOf: (set: string) => number;
  readonly log: Logger;
};

export type ReadPolicies = {
  readonly sets: readonly NamedSet[];
  readonly problems: readonly string[];
};

/** Its one writer is AddedPolicies. */
type Added = {
  readonly at: PolicyAt;
  readonly text: string;
  /** As it is written. */
  readonly written: NamedSet;
  mode: Mode | undefined;
  state: PolicyState;
  error: string;
};

/** As many as this are more than anybody adds by hand. */
const addedMax = 512;

/**
 * Policies that were added on this node. One that the kernel does not take stays listed with the
 * reason, in force nowhere, and another of its name may take its place.
 */
export class AddedPolicies {
  readonly #options: AddedPoliciesOptions;
  readonly #settling = new Settling();
  readonly #added = new Map<string, Added>();
  #states: readonly SetState[] = [];

  constructor(options: AddedPoliciesOptions) {
    this.#options = options;
  }

  /** Takes what an earlier run kept. */
  async load(): Promise<void> {
    const { store, read, log } = this.#options;
    for (const saved of await store.load()) {
      const { sets, problems } = await read(saved.text, "policy");
      const [set] = sets;
      if (set === undefined || problems.length > 0) {
        log.error({ problems }, "a policy that was added is wrong now; add it again");
        continue;
      }
      const added = addedOf(saved, set);
      this.#added.set(keyOf(added.at), added);
      log.info({ set: added.written.name, state: added.state }, "policy that was added is kept");
    }
  }

  /** Those that are to hold. */
  sets(): readonly NamedSet[] {
    return [...this.#added.values()]
      .filter(({ state }) => state !== "disabled" && state !== "load_error")
      .map(setOf);
  }

  domains(): readonly string[] {
    return [...this.#added.values()].map(({ at }) => at.domain);
  }

  list(): readonly ListedPolicy[] {
    return [...this.#added.values()].map((added) => {
      const { at, state, error, written, mode } = added;
      const set = setOf(added);
      const id = this.#options.idOf(written.name);
      return { ...at, id, state, error, info: "", mode: mode ?? written.set.mode, set };
    });
  }

  /** The kernel was programmed. */
  enter(states: readonly SetState[]): void {
    this.#states = states;
    for (const added of this.#added.values()) {
      if (added.state === "disabled" || added.state === "load_error") continue;
      const { name, hash } = setOf(added);
      const state = states.find((one) => one.name === name && one.hash === hash);
      if (state === undefined) continue;
      // What held is tried again: it may have lost its room to a policy of the cluster.
      const failed = added.state === "loading" ? "load_error" : "error";
      added.state = state.state === "programmed" ? "enabled" : failed;
      added.error = state.state === "failed" ? state.message : "";
    }
    this.#settling.look();
  }

  /** Resolves when the kernel holds the policy in `text`, or when that is known not to come. */
  async add(
    { text, domain }: { readonly text: string; readonly domain: string },
    signal: AbortSignal,
  ): Promise<NotDone | undefined> {
    const { read, store, taken, log } = this.#options;
    const why = whyNoDomain(domain, taken);
    if (why !== undefined) return { kind: "wrong", message: why };
    const { sets, problems } = await read(text, "policy");
    const [set] = sets;
    if (problems.length > 0) return { kind: "wrong", message: problems.join("\n") };
    if (set === undefined || sets.length > 1) {
      return { kind: "wrong", message: `policy: ${sets.length} policies; give one` };
    }
    const saved: SavedPolicy = { domain, text, enabled: true };
    const added = addedOf(saved, set);
    const key = keyOf(added.at);
    const before = this.#added.get(key);
    if (before !== undefined && before.state !== "load_error") {
      const message = `policy ${added.at.name} is there already in domain ${domain}; delete it first`;
      return { kind: "exists", message };
    }
    if (before === undefined && this.#added.size >= addedMax) {
      return { kind: "failed", message: `there are ${addedMax} added policies; delete some first` };
    }
    this.#added.set(key, added);
    const kept = await this.#save(key, saved);
    if (kept !== undefined) {
      this.#added.delete(key);
      return kept;
    }
    log.info({ set: added.written.name }, "policy is added");
    this.#options.onChange();
    const failed = await this.#loaded(added, signal);
    if (failed !== undefined) await store.remove(key).catch(() => {}); // it is listed, not kept
    return failed;
  }

  async remove(at: PolicyAt, signal: AbortSignal): Promise<NotDone | undefined> {
    const key = keyOf(at);
    const added = this.#added.get(key);
    if (added === undefined) return absent(at);
    try {
      await this.#options.store.remove(key);
    } catch (error) {
      return { kind: "failed", message: `the policy's file cannot be removed: ${textOf(error)}` };
    }
    this.#added.delete(key);
    this.#options.log.info({ set: added.written.name }, "policy that was added is deleted");
    this.#options.onChange();
    await this.#gone(added, signal);
    return undefined;
  }

  async configure(
    at: PolicyAt,
    to: { readonly enable?: boolean | undefined; readonly mode?: Mode | undefined },
    signal: AbortSignal,
  ): Promise<NotDone | undefined> {
    const key = keyOf(at);
    const added = this.#added.get(key);
    if (added === undefined) return absent(at);
    const refused = whyNot(added, to);
    if (refused !== undefined) return refused;
    const before = { mode: added.mode, state: added.state };
    const mode = to.mode ?? added.mode;
    const enabled = to.enable ?? added.state !== "disabled";
    const saved = { domain: at.domain, text: added.text, enabled };
    const kept = await this.#save(key, mode === undefined ? saved : { ...saved, mode });
    if (kept !== undefined) return kept;
    const isSame = inMode(added.written, mode).hash === setOf(added).hash;
    added.mode = mode;
    if (!enabled) added.state = "disabled";
    else if (!isSame || before.state === "disabled") added.state = "loading";
    this.#options.log.info({ set: added.written.name, enabled, mode }, "policy is configured");
    this.#options.onChange();
    if (!enabled) {
      await this.#gone(added, signal);
      return undefined;
    }
    return this.#loaded(added, signal);
  }

  async #save(key: string, policy: SavedPolicy): Promise<NotDone | undefined> {
    try {
      await this.#options.store.save(key, policy);
      return undefined;
    } catch (error) {
      const fix = "make room for it, or start the agent without --persist-grpc-policies";
      return { kind: "failed", message: `the policy cannot be kept: ${textOf(error)}; ${fix}` };
    }
  }

  /** Why the kernel does not take it; undefined: it holds it. */
  async #loaded(added: Added, signal: AbortSignal): Promise<NotDone | undefined> {
    const { state } = await this.#settling.until(
      () => (added.state === "loading" ? undefined : { state: added.state }),
      signal,
    );
    if (state === "load_error") return { kind: "failed", message: added.error };
    return undefined;
  }

  async #gone({ written }: Added, signal: AbortSignal): Promise<void> {
    const isThere = () => this.#states.some(({ name }) => name === written.name);
    await this.#settling.until(() => (isThere() ? undefined : {}), signal);
  }
}

/** Whether a set is of a policy that was added on this node: those of the cluster have no such name. */
export function isAdded(set: string): boolean {
  return /^[a-z0-9-]+#/.test(set);
}

function addedOf({ domain, text, enabled, mode }: SavedPolicy, read: NamedSet): Added {
  const { name, namespace = "" } = read.set.policy;
  return {
    at: { domain, namespace, name },
    text,
    written: { ...read, name: `${domain}#${read.name}`, yields: true },
    mode,
    state: enabled ? "loading" : "disabled",
    error: "",
  };
}

function setOf({ written, mode }: Added): NamedSet {
  return inMode(written, mode);
}

function keyOf({ domain, namespace, name }: PolicyAt): string {
  return `${domain}/${namespace}/${name}`;
}

function whyNoDomain(domain: string, taken: readonly string[]): string | undefined {
  if (taken.includes(domain))
    return `domain ${domain} is not for policies that are added; leave it out`;
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(domain)) return undefined;
  return "the domain is no name of small letters, digits and dashes";
}

function whyNot(
  { at, state }: Added,
  { enable }: { readonly enable?: boolean | undefined },
): NotDone | undefined {
  if (state === "load_error") {
    const message = `policy ${at.name} could not be loaded; add it again, or delete it`;
    return { kind: "state", message };
  }
  if (enable === undefined) return undefined;
  return enable === (state !== "disabled") ? sameState(at, enable) : undefined;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
