import { apiVersion, type Clock } from "@guardbee/kube";
import type { RegoPolicy } from "@guardbee/policy";
import { canonicalJson } from "@guardbee/policy";
import type { Logger } from "pino";
import {
  afterPoll,
  type Bundle,
  BundleError,
  type BundleOwner,
  BundleStore,
  defaultLimits,
  type Egress,
  fetchBundle,
  noPolls,
  type Polls,
  pollDelayMs,
} from "../bundle/index.ts";
import { fieldManager } from "../field-manager.ts";
import type { PolicyEntry } from "../fleet/objects.ts";
import {
  type BundleSpec,
  intervalOf,
  isPinned,
  type SourceOptions,
  sourceOf,
  verificationOf,
} from "./bundle-source.ts";
import { refusalOf } from "./wanted-bundle.ts";

/** What a source gave last, if anything, and why the last try gave none. */
export type Sourced = { readonly bundle: Bundle | undefined; readonly error: Error | undefined };

type Entry = Sourced & {
  /** Of source and verification: nothing that came by others is used. */
  readonly key: string;
  readonly etag: string | undefined;
  readonly polls: Polls;
  /** Monotonic. */
  readonly dueMs: number;
  /** Digest of the bundle that is in the store. */
  readonly kept: string | undefined;
  /** What is in the store, once it was asked for. */
  readonly lastGood: Bundle | undefined;
};

/** One that is under way. */
type Polling = {
  readonly key: string;
  readonly stop: AbortController;
  readonly done: Promise<void>;
  /** Nobody waits for it any more. Written by get. */
  late: boolean;
};

/** How long a judgement waits for a source; then it goes on with what there is. */
const graceMs = 2_000;

export type BundlesOptions = SourceOptions & {
  /** The only hosts that bundles of cluster policies come from; absent: any. */
  readonly bundleHosts?: readonly string[] | undefined;
  /** The only hosts that bundles of namespaced policies come from. */
  readonly namespacedBundleHosts: readonly string[];
  /** For one fetch and for silence on the line; default 30 s. */
  readonly bundleTimeoutMs?: number | undefined;
  /** A source that nobody waited for any more has answered, or failed. */
  readonly regoChanged: (setName: string, delayMs: number) => void;
  readonly clock: Clock;
  /** In [0, 1); default Math.random. */
  readonly random?: () => number;
  readonly log: Logger;
};

/**
 * Bundles of RegoPolicies. A source is asked again when its interval has passed, sooner and then ever
 * later when it fails, and never when it is pinned and has given its one bundle. One that is slow holds
 * up no judgement for longer than 2 s.
 */
export class Bundles {
  readonly #options: BundlesOptions;
  /** By set name. Written by #poll, keep, lastGood and forget. */
  readonly #entries = new Map<string, Entry>();
  /** By set name. Written by #polling, #poll and forget. */
  readonly #pollings = new Map<string, Polling>();
  /** Tries so far. Written by #polling. */
  #tries = 0;
  readonly #store: BundleStore;

  constructor(options: BundlesOptions) {
    this.#options = options;
    const { connection, ownNamespace: namespace, log } = options;
    this.#store = new BundleStore({ connection, namespace, fieldManager, log });
  }

  /** Differs from last time when `get` would try again, or has since. */
  versionOf(setName: string): string {
    const entry = this.#entries.get(setName);
    const polling = this.#pollings.has(setName);
    const due = entry !== undefined && this.#options.clock.monotonic() >= entry.dueMs;
    const doing = polling ? "waits" : due ? this.#tries : "";
    return `${entry?.bundle?.digest} ${entry?.error?.message} ${doing}`;
  }

  /** When to ask `get` again; Infinity when there is nothing to ask for, or regoChanged will say so. */
  dueInMs(setName: string): number {
    const entry = this.#entries.get(setName);
    if (entry === undefined || this.#pollings.has(setName)) return Number.POSITIVE_INFINITY;
    return Math.max(entry.dueMs - this.#options.clock.monotonic(), 0);
  }

  /** What the source of `policy` gave last by what its spec says now, unless it is refused by then. */
  async get(policyEntry: PolicyEntry, policy: RegoPolicy, signal: AbortSignal): Promise<Sourced> {
    const sourced = await this.#sourced(policyEntry, policy, signal);
    const refusal = sourced.bundle && refusalOf(sourced.bundle, policy);
    return refusal === undefined ? sourced : { bundle: undefined, error: refusal };
  }

  async #sourced(
    policyEntry: PolicyEntry,
    policy: RegoPolicy,
    signal: AbortSignal,
  ): Promise<Sourced> {
    const { setName } = policyEntry;
    const { clock } = this.#options;
    const key = canonicalJson(policy.spec.bundle);
    const before = this.#entries.get(setName);
    if (before?.key === key && clock.monotonic() < before.dueMs) return before;
    const polling = this.#polling(setName, key, policy);
    if (!polling.late) {
      const answered = new AbortController();
      const grace = clock.sleep(graceMs, AbortSignal.any([signal, answered.signal]));
      await Promise.race([polling.done, grace]).finally(() => answered.abort());
    }
    const entry = this.#entries.get(setName);
    if (entry?.key === key && this.#pollings.get(setName) !== polling) return entry;
    polling.late = true;
    if (entry?.key === key) return entry;
    const what = `bundle: has not come within ${graceMs} ms`;
    const error = new BundleError("Unreachable", `${what}; it is still waited for`);
    return { bundle: undefined, error };
  }

  /**
   * The last bundle that was kept, also by an operator before this one and by another source: what
   * stays in force when the source fails, or gives what cannot be used. Not one that is refused by now.
   */
  async lastGood(
    policyEntry: PolicyEntry,
    policy: RegoPolicy,
    signal: AbortSignal,
  ): Promise<Bundle | undefined> {
    const { setName } = policyEntry;
    const lastGood =
      this.#entries.get(setName)?.lastGood ??
      (await this.#store.load(ownerOf(policyEntry), signal));
    const entry = this.#entries.get(setName);
    if (entry !== undefined) this.#entries.set(setName, { ...entry, lastGood });
    return lastGood && refusalOf(lastGood, policy) === undefined ? lastGood : undefined;
  }

  /** Makes a bundle the last good one: it compiled, and what it gave was accepted. */
  async keep(policyEntry: PolicyEntry, lastGood: Bundle, signal: AbortSignal): Promise<void> {
    const { setName } = policyEntry;
    if (this.#entries.get(setName)?.kept === lastGood.digest) return;
    await this.#store.save(ownerOf(policyEntry), lastGood, signal);
    const entry = this.#entries.get(setName);
    if (entry === undefined) return;
    this.#entries.set(setName, { ...entry, lastGood, kept: lastGood.digest });
  }

  forget(setName: string): void {
    this.#pollings.get(setName)?.stop.abort();
    this.#pollings.delete(setName);
    this.#entries.delete(setName);
  }

  close(): void {
    for (const name of this.#pollings.keys()) this.forget(name);
  }

  /**
   * Removes what is kept for policies that are none of `uids`: a policy in a namespace cannot own the
   * ConfigMaps beside the operator.
   */
  async removeAllBut(uids: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    for (const uid of await this.#store.owners(signal)) {
      if (!uids.has(uid)) await this.#store.remove({ uid }, signal);
    }
  }

  /** The poll that is under way by this key, or a new one. */
  #polling(setName: string, key: string, policy: RegoPolicy): Polling {
    const known = this.#pollings.get(setName);
    if (known?.key === key) return known;
    known?.stop.abort();
    this.#tries++;
    const stop = new AbortController();
    const done = this.#poll(setName, key, policy, stop.signal);
    const polling = { key, stop, done, late: false };
    this.#pollings.set(setName, polling);
    return polling;
  }

  /** Asks once, and writes down what came. Ends early when aborted, without a trace. */
  async #poll(
    setName: string,
    key: string,
    policy: RegoPolicy,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, random = Math.random } = this.#options;
    const spec = policy.spec.bundle!;
    const known = this.#entries.get(setName);
    const same = known?.key === key ? known : undefined;
    const next = await this.#fetch(policy, spec, same, signal).then(
      (fetched) => ({ ...fetched, error: undefined }),
      (error: Error) => ({ bundle: same?.bundle, etag: same?.etag, error }),
    );
    if (signal.aborted) return;
    this.#log(setName, same?.error, next);
    const polls = afterPoll(same?.polls ?? noPolls, next.error);
    const last = next.error === undefined && isPinned(spec);
    const delayMs = last
      ? Number.POSITIVE_INFINITY
      : pollDelayMs(polls, intervalOf(spec), random());
    const dueMs = clock.monotonic() + delayMs;
    const { kept } = this.#entries.get(setName) ?? {};
    // Another replica may have led, and kept another, since the store was last read.
    this.#entries.set(setName, { key, dueMs, polls, kept, lastGood: undefined, ...next });
    const late = this.#pollings.get(setName)?.late;
    this.#pollings.delete(setName);
    if (late) this.#options.regoChanged(setName, 0);
  }

  async #fetch(
    policy: RegoPolicy,
    spec: BundleSpec,
    known: Entry | undefined,
    signal: AbortSignal,
  ): Promise<Pick<Entry, "bundle" | "etag">> {
    const { clock, bundleTimeoutMs: timeoutMs = 30_000 } = this.#options;
    const source = await sourceOf(policy, spec, this.#options, signal);
    const fetched = await fetchBundle(source, {
      etag: known?.bundle === undefined ? undefined : known.etag,
      verification: verificationOf(spec),
      limits: defaultLimits,
      egress: this.#egressOf(policy),
      ...{ timeoutMs, idleMs: timeoutMs, clock, signal },
    });
    if (fetched.kind === "unchanged") return { bundle: known?.bundle, etag: fetched.etag };
    const { bundle, etag } = fetched;
    if (source.kind === "configMap" && spec.digest !== undefined && bundle.digest !== spec.digest) {
      const what = `bundle: has digest ${bundle.digest}, and spec.bundle.digest is ${spec.digest}`;
      throw new BundleError("DigestMismatch", `${what}; correct one of the two`);
    }
    return { bundle, etag };
  }

  #egressOf({ kind }: RegoPolicy): Egress {
    const { bundleHosts, namespacedBundleHosts } = this.#options;
    return kind === "RegoPolicyNamespaced"
      ? { hosts: namespacedBundleHosts, option: "--namespaced-bundle-hosts" }
      : { hosts: bundleHosts, option: "--bundle-hosts" };
  }

  #log(setName: string, before: Error | undefined, { bundle, error }: Sourced): void {
    const { log } = this.#options;
    if (error !== undefined) {
      const same = before?.message === error.message;
      log[same ? "debug" : "warn"]({ ref: setName, err: error }, "bundle cannot be used");
    } else if (before !== undefined) {
      log.info({ ref: setName, digest: bundle?.digest }, "bundle can be used again");
    }
  }
}

function ownerOf({ object, resource, uid }: PolicyEntry): BundleOwner {
  const { name, namespace } = object.metadata;
  const { kind } = resource;
  return {
    ...{ apiVersion: apiVersion(resource), kind, name, uid },
    ...(namespace === undefined ? {} : { namespace }),
  };
}
