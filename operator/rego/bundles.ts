import { apiVersion, type Clock } from "@guardbee/kube";
import type { RegoPolicy } from "@guardbee/policy";
import type { Logger } from "pino";
import {
  afterPoll,
  type Bundle,
  BundleError,
  type BundleOwner,
  BundleStore,
  defaultLimits,
  fetchBundle,
  noPolls,
  type Polls,
  pollDelayMs,
} from "../bundle/index.ts";
import type { PolicyEntry } from "../fleet/objects.ts";
import { fieldManager } from "../status/status-writer.ts";
import {
  type BundleSpec,
  intervalOf,
  isPinned,
  type SourceOptions,
  sourceOf,
  verificationOf,
} from "./bundle-source.ts";
import { stableJson } from "./results.ts";

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

export type BundlesOptions = SourceOptions & {
  /** The only hosts that bundles of namespaced policies come from. */
  readonly namespacedBundleHosts: readonly string[];
  /** For one fetch and for silence on the line; default 30 s. */
  readonly bundleTimeoutMs?: number | undefined;
  readonly clock: Clock;
  /** In [0, 1); default Math.random. */
  readonly random?: () => number;
  readonly log: Logger;
};

/**
 * Bundles of RegoPolicies. A source is asked again when its interval has passed, sooner and then ever
 * later when it fails, and never when it is pinned and has given its one bundle.
 */
export class Bundles {
  readonly #options: BundlesOptions;
  /** By set name. Written by get, keep, lastGood and forget. */
  readonly #entries = new Map<string, Entry>();
  /** Tries so far. Written by get. */
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
    if (entry === undefined) return "";
    const due = this.#options.clock.monotonic() >= entry.dueMs;
    return `${entry.bundle?.digest} ${entry.error?.message}${due ? ` ${this.#tries}` : ""}`;
  }

  /** How long what `get` gave is good for; Infinity when it gave nothing. */
  dueInMs(setName: string): number {
    const dueMs = this.#entries.get(setName)?.dueMs ?? Number.POSITIVE_INFINITY;
    return Math.max(dueMs - this.#options.clock.monotonic(), 0);
  }

  /** What the source of `policy` gave last by what its spec says now. */
  async get(policyEntry: PolicyEntry, policy: RegoPolicy, signal: AbortSignal): Promise<Sourced> {
    const { setName } = policyEntry;
    const spec = policy.spec.bundle!;
    const { clock, random = Math.random } = this.#options;
    const key = stableJson(spec);
    const known = this.#entries.get(setName);
    const same = known?.key === key ? known : undefined;
    if (same !== undefined && clock.monotonic() < same.dueMs) return same;
    this.#tries++;
    const next = await this.#poll(policy, spec, same, signal);
    this.#log(setName, same?.error, next);
    const polls = afterPoll(same?.polls ?? noPolls, next.error);
    const last = next.error === undefined && isPinned(spec);
    const delayMs = last
      ? Number.POSITIVE_INFINITY
      : pollDelayMs(polls, intervalOf(spec), random());
    const dueMs = clock.monotonic() + delayMs;
    // Another replica may have led, and kept another, since the store was last read.
    const entry = { key, dueMs, polls, kept: known?.kept, lastGood: undefined, ...next };
    this.#entries.set(setName, entry);
    return entry;
  }

  /**
   * The last bundle that was kept, also by an operator before this one and by another source: what
   * stays in force when the source fails, or gives what cannot be used.
   */
  async lastGood(policyEntry: PolicyEntry, signal: AbortSignal): Promise<Bundle | undefined> {
    const { setName } = policyEntry;
    const known = this.#entries.get(setName)?.lastGood;
    if (known !== undefined) return known;
    const lastGood = await this.#store.load(ownerOf(policyEntry), signal);
    const entry = this.#entries.get(setName);
    if (entry !== undefined) this.#entries.set(setName, { ...entry, lastGood });
    return lastGood;
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
    this.#entries.delete(setName);
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

  async #poll(
    policy: RegoPolicy,
    spec: BundleSpec,
    known: Entry | undefined,
    signal: AbortSignal,
  ): Promise<Pick<Entry, "bundle" | "error" | "etag">> {
    try {
      return { error: undefined, ...(await this.#fetch(policy, spec, known, signal)) };
    } catch (error) {
      signal.throwIfAborted();
      return { bundle: known?.bundle, etag: known?.etag, error: error as Error };
    }
  }

  async #fetch(
    policy: RegoPolicy,
    spec: BundleSpec,
    known: Entry | undefined,
    signal: AbortSignal,
  ): Promise<Pick<Entry, "bundle" | "etag">> {
    const { clock, namespacedBundleHosts, bundleTimeoutMs: timeoutMs = 30_000 } = this.#options;
    const source = await sourceOf(policy, spec, this.#options, signal);
    const fetched = await fetchBundle(source, {
      etag: known?.bundle === undefined ? undefined : known.etag,
      verification: verificationOf(spec),
      limits: defaultLimits,
      hosts: policy.kind === "RegoPolicyNamespaced" ? namespacedBundleHosts : undefined,
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

  #log(setName: string, before: Error | undefined, { bundle, error }: Sourced): void {
    const { log } = this.#options;
    if (error !== undefined) {
      const same = before?.message === error.message;
      log[same ? "debug" : "warn"]({ ref: setName, err: error }, "bundle not usable");
    } else if (before !== undefined) {
      log.info({ ref: setName, digest: bundle?.digest }, "bundle source recovered");
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
