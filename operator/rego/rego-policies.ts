import { createHash } from "node:crypto";
import type { Clock, KubeConnection } from "@guardbee/kube";
import { parseRegoPolicy, type RegoPolicy } from "@guardbee/policy";
import type { Logger } from "pino";
import { type Bundle, BundleError } from "../bundle/index.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { PolicyEntry } from "../fleet/objects.ts";
import { type Judgement, judge } from "../policy/judge.ts";
import type { Translate } from "../policy/translate.ts";
import { Bundles } from "./bundles.ts";
import { generate, type InventorySnapshot } from "./generate.ts";
import { type Guarded, type GuardSubject, guardWith, type Rail } from "./guard-rails.ts";
import { Inventory } from "./inventory.ts";
import { type GeneratedObject, stableJson } from "./results.ts";
import { type Compile, problemAt, type RegoContent, RegoUnit } from "./unit.ts";

export type RegoPoliciesOptions = {
  readonly connection: KubeConnection;
  readonly fleet: Fleet;
  readonly translate: Translate;
  readonly compile: Compile;
  /** The built-in guard rails; undefined: none. */
  readonly builtin: Rail | undefined;
  /** Names of built-in guard rails that are off now. */
  readonly disabledGuardRails: () => readonly string[];
  readonly ownNamespace: string;
  /** A RegoPolicy, by set name, is to be judged again, at the latest after that time. */
  readonly regoChanged: (setName: string, delayMs: number) => void;
  /** Every policy is to be judged again. */
  readonly guardsChanged: () => void;
  readonly clock: Clock;
  readonly log: Logger;
};

/** Changes come in waves: of a roll-out, of a node that starts. */
const debounceMs = 1_000;

const defaultEntryPoints = {
  Generate: "guardbee/generate/policies",
  Guardrail: "guardbee/guardrail/decision",
} as const;

/**
 * The Rego of the cluster: what is compiled, what generators yield, and the guard rails that every
 * policy passes. The inventory is followed only while something generates.
 */
export class RegoPolicies {
  readonly #options: RegoPoliciesOptions;
  /** By set name. Written by #unit and forget. */
  readonly #units = new Map<string, RegoUnit>();
  /** Set names of guard rails → why they give no answer. Written by judge and forget. */
  readonly #broken = new Map<string, string>();
  /** Content of each guard rail in use. Written by judge and forget. */
  readonly #guards = new Map<string, string>();
  /** Generated object → its judgement, of each generator's last evaluation. Written by #generate. */
  readonly #judged = new Map<string, ReadonlyMap<string, Judgement>>();
  /** Written by #inventory, forget and close. */
  #inventory: { readonly inventory: Inventory; readonly stop: AbortController } | undefined;
  /** Changes with what guard rails would decide. Written by bump. */
  #guardVersion = 0;
  /** Changes with the inventory, by namespace. Written by #inventoryChanged. */
  #inventoryVersion = 0;

  /** Ends with the last compilation that check asked for. Written by check. */
  #checking: Promise<unknown> = Promise.resolve();
  readonly #bundles: Bundles;

  constructor(options: RegoPoliciesOptions) {
    this.#options = options;
    this.#bundles = new Bundles(options);
  }

  get guardVersion(): number {
    return this.#guardVersion;
  }

  /** What a judgement of `policy` depends on, beside the object. */
  inputsOf(policy: PolicyEntry): string {
    const inventory = isGenerator(policy) ? this.#inventoryVersion : 0;
    return stableJson([this.#guardVersion, inventory, this.#bundles.versionOf(policy.setName)]);
  }

  /** When a judgement is to be made again by itself; Infinity: never. */
  dueInMs(setName: string): number {
    return this.#bundles.dueInMs(setName);
  }

  /** Facts about namespaces, or the guard rails themselves, have changed. */
  bump(): void {
    this.#guardVersion++;
    this.#options.guardsChanged();
  }

  /** Something that generators see has changed. */
  inventoryChanged(namespace?: string): void {
    this.#inventoryVersion++;
    for (const entry of this.#options.fleet.regoEntries()) {
      const own = entry.object.metadata.namespace;
      const concerned = own === undefined || namespace === undefined || own === namespace;
      if (concerned && isGenerator(entry)) this.#options.regoChanged(entry.setName, debounceMs);
    }
  }

  /** The judgement of one RegoPolicy; throws when Rego gives no answer. */
  judge(entry: PolicyEntry, signal: AbortSignal): Promise<Judgement> {
    return this.#judge(entry, () => this.#bundles.keep(entry, signal), signal);
  }

  /** `keep` is called when its bundle has become the last good one. */
  async #judge(
    entry: PolicyEntry,
    keep: () => Promise<void>,
    signal: AbortSignal,
  ): Promise<Judgement> {
    const parsed = parseRegoPolicy(entry.object);
    if (!parsed.ok) return { kind: "refused", reason: "InvalidSpec", problems: parsed.problems };
    const policy = parsed.value;
    const { spec } = policy;
    const { content, error } = await this.#content(entry, policy, signal);
    if (content === undefined) {
      if (spec.role === "Guardrail") this.#guardFails(entry, error.message);
      throw error;
    }
    const unit = this.#unit(entry);
    const entryPoint = spec.entryPoint ?? defaultEntryPoints[spec.role];
    const limits = spec.limits ?? {};
    try {
      const loaded = await unit.load(content, { entryPoint, limits }, signal);
      if (!loaded.ok) {
        if (spec.role === "Guardrail") this.#guardFails(entry, "its Rego does not compile");
        return { kind: "refused", reason: "InvalidRego", problems: loaded.problems };
      }
    } catch (error) {
      if (spec.role === "Guardrail") this.#guardFails(entry, (error as Error).message);
      throw error;
    }
    const about = {
      digest: content.digest,
      ...(content.revision ? { revision: content.revision } : {}),
    };
    const refs = error === undefined ? {} : { unresolved: describe(error) };
    if (spec.role === "Guardrail") {
      this.#guardWorks(entry, content.key + entryPoint);
      await keep();
      return { kind: "guards", rego: about, ...refs };
    }
    const judgement = await this.#generate(entry, policy, unit, signal);
    if (judgement.kind !== "accepted") return judgement;
    await keep();
    return { ...judgement, ...refs, rego: { ...about, ...judgement.rego } };
  }

  /**
   * What can be said of a RegoPolicy before it is stored: its schema, and whether its modules
   * compile. Nothing is evaluated, and no bundle is fetched: that would be an effect outside.
   */
  async check(entry: PolicyEntry, signal: AbortSignal): Promise<Judgement> {
    const parsed = parseRegoPolicy(entry.object);
    if (!parsed.ok) return { kind: "refused", reason: "InvalidSpec", problems: parsed.problems };
    const { spec } = parsed.value;
    if (spec.modules === undefined) return { kind: "guards", rego: {} };
    const { digest, sources, data } = inlineContent(parsed.value);
    const entryPoint = spec.entryPoint ?? defaultEntryPoints[spec.role];
    // One at a time: each is a process of its own that takes a core and a lot of memory.
    const compiling = this.#checking.then(() => {
      signal.throwIfAborted();
      return this.#options.compile(sources, { entryPoint, data }, signal);
    });
    this.#checking = compiling.catch(() => {});
    const compiled = await compiling;
    if (compiled.ok) return { kind: "guards", rego: { digest } };
    return { kind: "refused", reason: "InvalidRego", problems: compiled.problems.map(problemAt) };
  }

  /** From the policy itself, or its bundle; a bundle that fails leaves the last good one. */
  async #content(
    entry: PolicyEntry,
    policy: RegoPolicy,
    signal: AbortSignal,
  ): Promise<
    | { readonly content: RegoContent; readonly error: Error | undefined }
    | { readonly content: undefined; readonly error: Error }
  > {
    if (policy.spec.modules !== undefined)
      return { content: inlineContent(policy), error: undefined };
    const { bundle, error } = await this.#bundles.get(entry, policy, signal);
    if (bundle !== undefined) return { content: bundleContent(policy, bundle), error };
    return { content: undefined, error: new Error(describe(error!), { cause: error }) };
  }

  /** Removes bundles that are kept for policies that are gone. */
  async removeOrphans(signal: AbortSignal): Promise<void> {
    const uids = new Set(this.#options.fleet.regoEntries().map(({ uid }) => uid));
    await this.#bundles.removeAllBut(uids, signal);
  }

  /**
   * Gets the guard rails ready, as far as they can be, and writes nothing. A new leader must not tell
   * policies that they wait for one that only was not compiled yet, and a replica that does not lead
   * judges what is being applied. Gives the milliseconds after which to do it again; Infinity: never.
   */
  async prepare(signal: AbortSignal): Promise<number> {
    const { fleet, log } = this.#options;
    const gone = [...this.#units.keys()].filter((name) => fleet.policy(name) === undefined);
    for (const name of gone) await this.forget(name);
    let dueInMs = Number.POSITIVE_INFINITY;
    for (const entry of fleet.regoEntries().filter(isGuard)) {
      try {
        await this.#judge(entry, async () => {}, signal);
      } catch (err) {
        signal.throwIfAborted();
        log.warn({ ref: entry.setName, err }, "guard rail cannot be evaluated");
      }
      dueInMs = Math.min(dueInMs, this.dueInMs(entry.setName));
    }
    return dueInMs;
  }

  /** Passes a policy through every guard rail that applies to it. */
  async guard(subject: GuardSubject, signal: AbortSignal): Promise<Guarded> {
    const { builtin, disabledGuardRails, ownNamespace, fleet } = this.#options;
    const { namespace } = subject.set.policy;
    const own = this.#railsFor(namespace);
    const namespaces = Object.fromEntries(
      fleet
        .namespaces()
        .filter(({ name }) => namespace === undefined || name === namespace)
        .map(({ name, labels }) => [name, labels]),
    );
    const rails = [...(builtin === undefined ? [] : [builtin]), ...own];
    const facts = { ownNamespace, namespaces, disabled: disabledGuardRails() };
    return guardWith(rails, subject, facts, signal);
  }

  async forget(setName: string): Promise<void> {
    this.#bundles.forget(setName);
    const unit = this.#units.get(setName);
    this.#units.delete(setName);
    this.#judged.delete(setName);
    const broken = this.#broken.delete(setName);
    if (this.#guards.delete(setName) || broken) this.bump();
    if (![...this.#options.fleet.regoEntries()].some(isGenerator)) this.#stopInventory();
    await unit?.close();
  }

  async close(): Promise<void> {
    this.#stopInventory();
    await Promise.all([...this.#units.values()].map((unit) => unit.close()));
  }

  async #generate(
    entry: PolicyEntry,
    policy: RegoPolicy,
    unit: RegoUnit,
    signal: AbortSignal,
  ): Promise<Judgement> {
    const known = this.#judged.get(entry.setName);
    const judged = new Map<string, Judgement>();
    const judgeOnce = async (object: GeneratedObject): Promise<Judgement> => {
      const key = stableJson([this.#guardVersion, object]);
      const judgement = known?.get(key) ?? (await this.#judgePolicy(object, signal));
      judged.set(key, judgement);
      return judgement;
    };
    const inventory = await this.#snapshot(policy, signal);
    const judgement = await generate(
      policy,
      inventory,
      {
        evaluateAll: (inputs, within) => unit.evaluateAll(inputs, within),
        judge: judgeOnce,
        inForce: this.#options.fleet.set(entry.setName)?.rules ?? {},
      },
      signal,
    );
    this.#judged.set(entry.setName, judged);
    return judgement;
  }

  #judgePolicy(object: GeneratedObject, signal: AbortSignal): Promise<Judgement> {
    const { translate } = this.#options;
    const guard = (subject: GuardSubject, within: AbortSignal) => this.guard(subject, within);
    return judge(object, { translate, guard }, signal);
  }

  async #snapshot(policy: RegoPolicy, signal: AbortSignal): Promise<InventorySnapshot> {
    const { fleet } = this.#options;
    const inventory = this.#following();
    await abortable(inventory.synced, signal);
    const all = fleet.namespaces();
    if (policy.kind === "RegoPolicy") {
      return { namespaces: all, nodes: fleet.nodeFacts(), workloads: inventory.workloads() };
    }
    // No nodes: they are shared, and what others run on them shows in their labels.
    const own = policy.metadata.namespace ?? "";
    const namespaces = all.filter(({ name }) => name === own);
    return { namespaces, nodes: [], workloads: inventory.workloads(own) };
  }

  #following(): Inventory {
    if (this.#inventory !== undefined) return this.#inventory.inventory;
    const { connection, clock, log } = this.#options;
    const stop = new AbortController();
    const inventory = new Inventory({
      ...{ connection, clock, log },
      onChange: (namespace) => this.inventoryChanged(namespace),
    });
    inventory.run(stop.signal).catch((err: unknown) => log.error({ err }, "inventory ended"));
    this.#inventory = { inventory, stop };
    return inventory;
  }

  #stopInventory(): void {
    this.#inventory?.stop.abort();
    this.#inventory = undefined;
  }

  /** User guard rails for a policy in `namespace`, or for one of the cluster. */
  #railsFor(namespace: string | undefined): readonly Rail[] {
    return this.#options.fleet
      .regoEntries()
      .filter((entry) => isGuard(entry))
      .filter(({ object }) => [undefined, namespace].includes(object.metadata.namespace))
      .sort((a, b) => (a.setName < b.setName ? -1 : 1))
      .map((entry) => this.#railOf(entry));
  }

  #railOf(entry: PolicyEntry): Rail {
    const name = subjectOf(entry);
    return {
      name,
      decide: async (input, signal) => {
        const unit = this.#units.get(entry.setName);
        if (!this.#guards.has(entry.setName) || unit?.usable !== true) {
          const why = this.#broken.get(entry.setName) ?? "it is not compiled yet";
          throw new Error(`guard rail ${name} cannot be evaluated: ${why}`);
        }
        return { [name]: await unit.evaluate(input, signal) };
      },
    };
  }

  #guardWorks(entry: PolicyEntry, content: string): void {
    this.#broken.delete(entry.setName);
    if (this.#guards.get(entry.setName) === content) return;
    this.#guards.set(entry.setName, content);
    this.bump();
  }

  /** One that worked before goes on as it was. */
  #guardFails(entry: PolicyEntry, why: string): void {
    this.#broken.set(entry.setName, why);
  }

  #unit(entry: PolicyEntry): RegoUnit {
    const known = this.#units.get(entry.setName);
    if (known !== undefined) return known;
    const { compile, clock, log } = this.#options;
    const subject = subjectOf(entry);
    const unit = new RegoUnit({ subject, compile, clock, log });
    this.#units.set(entry.setName, unit);
    return unit;
  }
}

/** What a policy with modules evaluates. */
export function inlineContent({ spec }: RegoPolicy): RegoContent {
  const { modules = [], data = {} } = spec;
  const digest = digestOf({ modules, data });
  const sources = modules.map(({ name, rego }) => ({ path: name, text: rego }));
  return { digest, key: digest, sources, data };
}

/**
 * Of its Rego, whether or not a compiled module lies beside it: what `opa` compiles here is within
 * our capabilities. The policy's own data goes over the bundle's, by top-level key.
 */
export function bundleContent({ spec }: RegoPolicy, bundle: Bundle): RegoContent {
  const { digest, revision, modules: sources } = bundle;
  const data = { ...bundle.data, ...spec.data };
  return { digest, revision, key: digestOf([digest, data]), data, sources };
}

function digestOf(value: unknown): string {
  return `sha256:${createHash("sha256").update(stableJson(value)).digest("hex")}`;
}

function describe(error: Error): string {
  return error instanceof BundleError ? `${error.reason}: ${error.message}` : error.message;
}

function subjectOf({ object, resource }: PolicyEntry): string {
  const { name, namespace } = object.metadata;
  return `${resource.kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}

function isGenerator(entry: PolicyEntry): boolean {
  return roleOf(entry) === "Generate" && !entry.deleting;
}

function isGuard(entry: PolicyEntry): boolean {
  return roleOf(entry) === "Guardrail" && !entry.deleting;
}

function roleOf({ object }: PolicyEntry): unknown {
  return (object.spec as { readonly role?: unknown } | undefined)?.role;
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
