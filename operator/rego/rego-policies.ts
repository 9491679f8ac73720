import type { Clock, KubeConnection } from "@guardbee/kube";
import { canonicalJson, namespaceOfSet, parseRegoPolicy, type RegoPolicy } from "@guardbee/policy";
import type { Logger } from "pino";
import type { Bundle } from "../bundle/index.ts";
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
import { ModuleChecks } from "../opa/inspect.ts";
import type { Sandboxes } from "../opa/sandboxes.ts";
import type { WrittenSets } from "../rollout/written-sets.ts";
import { Bundles } from "./bundles.ts";
import { Generated } from "./generated.ts";
import { GuardVersions } from "./guard-versions.ts";
import { InventoryView } from "./inventory-view.ts";
import { overShare } from "./namespace-share.ts";
import { appliesTo, guardRailsIn, isGenerator, isGuard, ownRail, subjectOf } from "./own-rails.ts";
import { PolicyRego } from "./policy-rego.ts";
import { prepareRails } from "./prepare-rails.ts";
import { isUsable, ownersOf, RegoJudge } from "./rego-judge.ts";
import type { Compile } from "./unit.ts";

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

type Role = RegoPolicy["spec"]["role"];

/** Changes come in waves: of a roll-out, of a node that starts. */
const debounceMs = 1_000;
/** For all evaluations that one judgement of a namespace's generator needs. */
const namespacedBudgetMs = 5_000;

/**
 * The Rego of the cluster: what is compiled, what generators yield, and the guard rails that every
 * policy passes. The inventory is followed only while something generates.
 */
export class RegoPolicies {
  readonly #options: RegoPoliciesOptions;
  /** By set name. Written by #regoOf, forget and close. */
  readonly #regos = new Map<string, { readonly role: Role; readonly rego: PolicyRego }>();
  readonly #inventory: InventoryView;
  readonly #guards = new GuardVersions();
  /** Changes with the inventory. Written by inventoryChanged. */
  #inventoryVersion = 0;
  readonly #bundles: Bundles;
  readonly #judge: RegoJudge;
  readonly #checks: ModuleChecks;

  constructor(options: RegoPoliciesOptions) {
    this.#options = options;
    this.#bundles = new Bundles(options);
    this.#checks = new ModuleChecks(options.sandboxes.cluster); // no other brings modules
    const onChange = (namespace: string) => this.inventoryChanged(namespace);
    this.#inventory = new InventoryView({ ...options, onChange });
    const generated = new Generated({
      ...{ sets: options.sets, inventory: this.#inventory, guards: this.#guards },
      guard: (subject, signal) => this.guard(subject, signal),
    });
    this.#judge = new RegoJudge({ bundles: this.#bundles, generated });
  }

  /** What a judgement of `policy` depends on, beside the object. */
  inputsOf(policy: PolicyEntry): string {
    const inventory = isGenerator(policy) ? this.#inventoryVersion : 0;
    const bundle = this.#bundles.versionOf(policy.setName);
    const over = this.overShare(policy) !== undefined;
    const broken = this.#regos.get(policy.setName)?.rego.brokenFor(ownersOf(policy));
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
    return this.#judgeEntry(entry, keep, signal);
  }

  /** `keep` is called when its bundle has become the last good one. */
  async #judgeEntry(
    entry: PolicyEntry,
    keep: (bundle: Bundle) => Promise<void>,
    signal: AbortSignal,
  ): Promise<Judgement | Unanswered> {
    const parsed = parseRegoPolicy(entry.object);
    if (!parsed.ok) return { kind: "refused", reason: "InvalidSpec", problems: parsed.problems };
    const policy = parsed.value;
    if (policy.spec.modules !== undefined) this.#bundles.forget(entry.setName);
    const rego = this.#regoOf(entry, policy.spec.role);
    const subject = { entry, policy, rego, keep };
    const judged = this.overShare(entry) ?? (await this.#judge.judge(subject, signal));
    if (!isUsable(judged) && judged.lastGood === undefined) {
      const why = "it is not accepted; see its status";
      rego.fails(judged.kind === "unknown" ? judged.message : why);
    }
    return judged;
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
    const rails = guardRailsIn(this.#options.fleet.regoEntries());
    const prepare = (entry: PolicyEntry, within: AbortSignal) => this.#prepareOne(entry, within);
    return prepareRails(rails, { ...this.#options, prepare }, signal);
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
      const judged = await this.#judgeEntry(entry, async () => {}, signal);
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
    const own = guardRailsIn(fleet.regoEntries())
      .filter((entry) => appliesTo(entry, ownerOf(subject)))
      .map((entry) => ownRail(entry, () => this.#regos.get(entry.setName)?.rego.state, by.how));
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
    this.#drop(setName);
    this.#madeRoom(namespace);
    if (![...this.#options.fleet.regoEntries()].some(isGenerator)) this.#inventory.stop();
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
    this.#regos.clear();
  }

  /** That of a policy in this role; what it was in another is of no use. */
  #regoOf(entry: PolicyEntry, role: Role): PolicyRego {
    const { setName } = entry;
    const known = this.#regos.get(setName);
    if (known?.role === role) return known.rego;
    this.#drop(setName);
    const { compile, sandboxes, reviewSandboxes = sandboxes, clock, log } = this.#options;
    const { namespace: owner } = entry.object.metadata;
    const whose = owner === undefined ? "cluster" : "namespaced";
    const rego = new PolicyRego({
      ...{ subject: subjectOf(entry), owner, compile, checks: this.#checks, clock },
      ...{ sandbox: sandboxes[whose], reviewSandbox: reviewSandboxes[whose] },
      ...(owner === undefined ? {} : { budgetMs: namespacedBudgetMs }),
      onBreak: () => this.#options.regoChanged(setName, 0),
      onChange: () => {
        if (role === "Guardrail") this.bump(owner);
      },
      log: log.child({ ref: setName }),
    });
    this.#regos.set(setName, { role, rego });
    return rego;
  }

  /** A guard rail that said something, if only that it is broken, has no say any more. */
  #drop(setName: string): void {
    const known = this.#regos.get(setName);
    this.#regos.delete(setName);
    const said = known?.rego.state.kind === "inForce" || known?.rego.state.kind === "broken";
    if (known?.role === "Guardrail" && said) this.bump(namespaceOfSet(setName));
  }
}
