import type { Clock, KubeConnection } from "@guardbee/kube";
import { canonicalJson, namespaceOfSet, parseRegoPolicy, type RegoPolicy } from "@guardbee/policy";
import type { Logger } from "pino";
import { type Bundle, BundleError } from "../bundle/index.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { PolicyEntry } from "../fleet/objects.ts";
import {
  type Guarded,
  type GuardSubject,
  guardWith,
  ownerOf,
  type Rail,
} from "../judge/guard-rails.ts";
import type { Judgement, Refused, Unanswered } from "../judge/judgement.ts";
import type { Sandboxes } from "../opa/sandboxes.ts";
import type { WrittenSets } from "../rollout/written-sets.ts";
import { Bundles } from "./bundles.ts";
import { bundleContent, inlineContent, limitsOf } from "./contents.ts";
import { Generated } from "./generated.ts";
import { GuardVersions } from "./guard-versions.ts";
import { InventoryView } from "./inventory-view.ts";
import { overShare } from "./namespace-share.ts";
import { isGenerator, isGuard, OwnRails, RailNotReady } from "./own-rails.ts";
import { prepareRails } from "./prepare-rails.ts";
import { defaultEntryPoints } from "./review.ts";
import type { Compile, RegoContent } from "./unit.ts";
import { Units } from "./units.ts";

export type RegoPoliciesOptions = {
  readonly connection: KubeConnection;
  readonly fleet: Fleet;
  readonly sets: WrittenSets;
  readonly compile: Compile;
  readonly sandboxes: Sandboxes;
  /** For reviews of what is not stored. */
  readonly reviewSandboxes: Sandboxes;
  /** The built-in guard rails; undefined: none. */
  readonly builtin: Rail | undefined;
  /** Names of built-in guard rails that are off now. */
  readonly disabledGuardRails: () => readonly string[];
  readonly ownNamespace: string;
  readonly bundleHosts: readonly string[] | undefined;
  readonly namespacedBundleHosts: readonly string[];
  readonly bundleTimeoutMs: number | undefined;
  /** A RegoPolicy, by set name, is to be judged again, at the latest after that time. */
  readonly regoChanged: (setName: string, delayMs: number) => void;
  /** Every policy is to be judged again. */
  readonly guardsChanged: (namespace: string | undefined) => void;
  readonly clock: Clock;
  readonly log: Logger;
};

/** Changes come in waves: of a roll-out, of a node that starts. */
const debounceMs = 1_000;

/**
 * The Rego of the cluster: what is compiled, what generators yield, and the guard rails that every
 * policy passes. The inventory is followed only while something generates.
 */
export class RegoPolicies {
  readonly #options: RegoPoliciesOptions;
  readonly #units: Units;
  readonly #rails: OwnRails;
  readonly #generated: Generated;
  readonly #inventory: InventoryView;
  readonly #guards = new GuardVersions();
  /** Changes with the inventory, by namespace. Written by #inventoryChanged. */
  #inventoryVersion = 0;
  readonly #bundles: Bundles;

  constructor(options: RegoPoliciesOptions) {
    this.#options = options;
    this.#bundles = new Bundles(options);
    const onBreak = (setName: string) => options.regoChanged(setName, 0);
    this.#units = new Units({ ...options, onBreak });
    this.#rails = new OwnRails(options.fleet, this.#units);
    const onChange = (namespace: string) => this.inventoryChanged(namespace);
    this.#inventory = new InventoryView({ ...options, onChange });
    this.#generated = new Generated({
      ...{ sets: options.sets, inventory: this.#inventory, guards: this.#guards },
      guard: (subject, signal) => this.guard(subject, signal),
    });
  }

  /** What a judgement of `policy` depends on, beside the object. */
  inputsOf(policy: PolicyEntry): string {
    const inventory = isGenerator(policy) ? this.#inventoryVersion : 0;
    const bundle = this.#bundles.versionOf(policy.setName);
    const over = this.overShare(policy) !== undefined;
    const broken = this.#units.brokenFor(policy);
    const { namespace } = policy.object.metadata;
    return canonicalJson([this.#guards.of(namespace), inventory, bundle, broken, over]);
  }

  /** When a judgement is to be made again by itself; Infinity: never. */
  dueInMs(setName: string): number {
    return this.#bundles.dueInMs(setName);
  }

  /** Facts about namespaces, or the guard rails themselves, have changed. */
  bump(namespace?: string): void {
    this.#guards.bump(namespace);
    this.#options.guardsChanged(namespace);
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

  /** The judgement of one RegoPolicy. Rego that gives no answer is in the result. */
  judge(entry: PolicyEntry, signal: AbortSignal): Promise<Judgement | Unanswered> {
    const keep = (bundle: Bundle) => this.#bundles.keep(entry, bundle, signal);
    return this.#judge(entry, keep, signal);
  }

  /** `keep` is called when its bundle has become the last good one. */
  async #judge(
    entry: PolicyEntry,
    keep: (bundle: Bundle) => Promise<void>,
    signal: AbortSignal,
  ): Promise<Judgement | Unanswered> {
    const parsed = parseRegoPolicy(entry.object);
    if (!parsed.ok) return { kind: "refused", reason: "InvalidSpec", problems: parsed.problems };
    const policy = parsed.value;
    if (policy.spec.modules !== undefined) this.#bundles.forget(entry.setName);
    const over = this.overShare(entry);
    const judged =
      over ??
      (policy.spec.modules === undefined
        ? await this.#judgeSource(entry, policy, keep, signal)
        : await this.#judgeContent(entry, policy, inlineContent(policy), signal));
    if (isGuard(entry) && !isUsable(judged) && judged.lastGood === undefined) {
      this.#rails.fails(
        entry.setName,
        judged.kind === "unknown" ? judged.message : "it is not accepted; see its status",
      );
    }
    return judged;
  }

  /** Of the bundle that its source gives; where that is of no use, also of the last good one. */
  async #judgeSource(
    entry: PolicyEntry,
    policy: RegoPolicy,
    keep: (bundle: Bundle) => Promise<void>,
    signal: AbortSignal,
  ): Promise<Judgement | Unanswered> {
    const { bundle, error } = await this.#bundles.get(entry, policy, signal);
    const refs = error === undefined ? {} : { unresolved: describe(error) };
    const judgeBundle = async (one: Bundle): Promise<Judgement | Unanswered> => {
      const content = bundleContent(policy, one);
      if (content.ok) return this.#judgeContent(entry, policy, content.value, signal);
      return { kind: "refused", reason: "InvalidRego", problems: content.problems };
    };
    const judged = bundle === undefined ? undefined : await judgeBundle(bundle);
    if (bundle !== undefined && judged !== undefined && isUsable(judged)) {
      await keep(bundle);
      return { ...judged, ...refs };
    }
    const kept = await this.#bundles.lastGood(entry, policy, signal);
    if (kept === undefined || kept.digest === bundle?.digest) {
      return { ...(judged ?? { kind: "unknown", message: describe(error!) }), ...refs };
    }
    const instead = await judgeBundle(kept);
    if (judged === undefined) return { ...instead, ...refs };
    return { ...judged, ...refs, ...(isUsable(instead) ? { lastGood: instead } : {}) };
  }

  async #judgeContent(
    entry: PolicyEntry,
    policy: RegoPolicy,
    content: RegoContent,
    signal: AbortSignal,
  ): Promise<Judgement | Unanswered> {
    const { spec } = policy;
    const { setName } = entry;
    const entryPoint = spec.entryPoint ?? defaultEntryPoints[spec.role];
    const options = { entryPoint, limits: limitsOf(policy) };
    const unit = this.#units.of(entry, content, options);
    const { digest, revision } = content;
    const about = { digest, ...(revision ? { revision } : {}) };
    try {
      const loaded = await unit.load(content, options, signal);
      if (!loaded.ok) return { kind: "refused", reason: "InvalidRego", problems: loaded.problems };
      if (spec.role === "Guardrail") {
        this.#units.promote(setName, unit);
        if (this.#rails.works(setName, content.key + entryPoint)) {
          this.bump(entry.object.metadata.namespace);
        }
        const broken = this.#units.brokenFor(entry);
        if (broken !== undefined) return { kind: "unknown", message: broken };
        return { kind: "guards", rego: about };
      }
      const judgement = await this.#generated.generate(entry, policy, unit, signal);
      if (judgement.kind !== "accepted") return judgement;
      this.#units.promote(setName, unit);
      return { ...judgement, rego: { ...about, ...judgement.rego } };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof RailNotReady) throw error;
      return { kind: "unknown", message: (error as Error).message };
    }
  }

  /** Removes bundles that are kept for policies that are gone. */
  async removeOrphans(signal: AbortSignal): Promise<void> {
    const uids = new Set(this.#options.fleet.regoEntries().map(({ uid }) => uid));
    await this.#bundles.removeAllBut(uids, signal);
  }

  /**
   * Gets the guard rails ready, as far as they can be, and writes nothing. A new leader must not tell
   * policies that they wait for one that only was not compiled yet, and a replica that does not lead
   * judges what is being applied. False: some of namespaces are left, as they take long.
   */
  prepareAll(signal: AbortSignal): Promise<boolean> {
    const prepare = (entry: PolicyEntry, within: AbortSignal) => this.#prepareOne(entry, within);
    return prepareRails(this.#rails.entries(), { ...this.#options, prepare }, signal);
  }

  /** As prepareAll, of one RegoPolicy. Gives the milliseconds after which to do it again; Infinity: never. */
  async prepare(setName: string, signal: AbortSignal): Promise<number> {
    const entry = this.#options.fleet.policy(setName);
    if (entry === undefined) this.forget(setName);
    if (entry === undefined || !isGuard(entry)) return Number.POSITIVE_INFINITY;
    await this.#prepareOne(entry, signal);
    return this.dueInMs(setName);
  }

  async #prepareOne(entry: PolicyEntry, signal: AbortSignal): Promise<void> {
    try {
      const judged = await this.#judge(entry, async () => {}, signal);
      if (judged.kind === "unknown") throw new Error(judged.message);
    } catch (err) {
      signal.throwIfAborted();
      this.#options.log.warn({ ref: entry.setName, err }, "guard rail cannot be evaluated");
    }
  }

  /** Passes a policy through every guard rail that applies to it. */
  guard(subject: GuardSubject, signal: AbortSignal): Promise<Guarded> {
    return this.#pass(subject, { builtin: this.#options.builtin, how: "evaluate" }, signal);
  }

  /** As guard, of what is not stored, by workers and processes apart from those of `guard`. */
  review(subject: GuardSubject, builtin: Rail, signal: AbortSignal): Promise<Guarded> {
    return this.#pass(subject, { builtin, how: "review" }, signal);
  }

  #pass(
    subject: GuardSubject,
    by: { readonly builtin: Rail | undefined; readonly how: "evaluate" | "review" },
    signal: AbortSignal,
  ): Promise<Guarded> {
    const { disabledGuardRails, ownNamespace, fleet } = this.#options;
    const { namespace } = subject.set.policy;
    const own = this.#rails.rails(ownerOf(subject), by.how);
    const namespaces = Object.fromEntries(
      fleet
        .namespaces()
        .filter(({ name }) => namespace === undefined || name === namespace)
        .map(({ name, labels }) => [name, labels]),
    );
    const rails = [...(by.builtin === undefined ? [] : [by.builtin]), ...own];
    const facts = { ownNamespace, namespaces, disabled: disabledGuardRails() };
    return guardWith(rails, subject, facts, signal);
  }

  forget(setName: string): void {
    this.#bundles.forget(setName);
    const namespace = namespaceOfSet(setName);
    if (this.#rails.forget(setName)) this.bump(namespace);
    this.#madeRoom(namespace);
    if (![...this.#options.fleet.regoEntries()].some(isGenerator)) this.#inventory.stop();
    this.#units.forget(setName);
  }

  /** Why a RegoPolicy is one too many in its namespace: see overShare. */
  overShare(entry: PolicyEntry): Refused | undefined {
    return overShare(entry, this.#options.fleet.regoEntries());
  }

  /** What was one too many in a namespace may not be any more. */
  #madeRoom(namespace: string | undefined): void {
    if (namespace === undefined) return;
    for (const { setName, object } of this.#options.fleet.regoEntries()) {
      if (object.metadata.namespace === namespace) this.#options.regoChanged(setName, 0);
    }
  }

  close(): void {
    this.#inventory.stop();
    this.#bundles.close();
    this.#units.close();
  }
}

function isUsable<T extends { readonly kind: string }>(
  judged: T,
): judged is Extract<T, { readonly kind: "accepted" | "guards" }> {
  return judged.kind === "accepted" || judged.kind === "guards";
}

function describe(error: Error): string {
  return error instanceof BundleError ? `${error.reason}: ${error.message}` : error.message;
}
