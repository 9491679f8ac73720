import {
  apiVersion,
  type Clock,
  getObject,
  type KubeConnection,
  type KubeObject,
  resources,
} from "@guardbee/kube";
import type { RegoPolicy } from "@guardbee/policy";
import type { Logger } from "pino";
import {
  type Bundle,
  BundleError,
  type BundleOwner,
  type BundleSource,
  BundleStore,
  type Credentials,
  defaultLimits,
  fetchBundle,
  type Verification,
} from "../bundle/index.ts";
import type { PolicyEntry } from "../fleet/objects.ts";
import { fieldManager } from "../status/status-writer.ts";
import { stableJson } from "./results.ts";

type BundleSpec = NonNullable<RegoPolicy["spec"]["bundle"]>;

/** What a source gave: the last good bundle, if any, and why the last try gave none. */
export type Sourced = { readonly bundle: Bundle | undefined; readonly error: Error | undefined };

type Entry = Sourced & {
  /** Of source and verification: nothing that came by others is used. */
  readonly key: string;
  readonly etag: string | undefined;
  /** Monotonic. */
  readonly dueMs: number;
  /** Of the bundle that is in the store. */
  readonly kept: string | undefined;
};

export type BundlesOptions = {
  readonly connection: KubeConnection;
  /** Where credentials are, and ConfigMaps of cluster policies unless they say otherwise. */
  readonly ownNamespace: string;
  readonly clock: Clock;
  readonly log: Logger;
};

const timeoutMs = 30_000;
const defaultIntervalMs = 60_000;

/** Bundles of RegoPolicies, each asked for again when its interval has passed. */
export class Bundles {
  readonly #options: BundlesOptions;
  /** By set name. Written by get and forget. */
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

  /** The bundle of `policy`; when its source fails, the last good one, also of an earlier operator. */
  async get(policyEntry: PolicyEntry, policy: RegoPolicy, signal: AbortSignal): Promise<Sourced> {
    const { setName } = policyEntry;
    const spec = policy.spec.bundle!;
    const { clock } = this.#options;
    const key = stableJson(spec);
    const known = this.#entries.get(setName);
    const same = known?.key === key ? known : undefined;
    if (same !== undefined && clock.monotonic() < same.dueMs) return same;
    this.#tries++;
    let next: Pick<Entry, "bundle" | "error" | "etag">;
    try {
      next = { error: undefined, ...(await this.#fetch(policy, spec, same, signal)) };
    } catch (cause) {
      signal.throwIfAborted();
      const error = cause as Error;
      const bundle = known?.bundle ?? (await this.#store.load(ownerOf(policyEntry), signal));
      next = { bundle, etag: same?.etag, error };
    }
    const dueMs = clock.monotonic() + intervalOf(spec, next.error);
    const entry = { key, dueMs, kept: known?.kept, ...next };
    this.#entries.set(setName, entry);
    return entry;
  }

  /** Makes the current bundle the last good one: it compiled, and what it gave was accepted. */
  async keep(policyEntry: PolicyEntry, signal: AbortSignal): Promise<void> {
    const entry = this.#entries.get(policyEntry.setName);
    if (entry?.bundle === undefined || entry.kept === entry.bundle.digest) return;
    await this.#store.save(ownerOf(policyEntry), entry.bundle, signal);
    this.#entries.set(policyEntry.setName, { ...entry, kept: entry.bundle.digest });
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

  async #fetch(
    policy: RegoPolicy,
    spec: BundleSpec,
    known: Entry | undefined,
    signal: AbortSignal,
  ): Promise<Pick<Entry, "bundle" | "etag">> {
    const source = await this.#source(policy, spec, signal);
    const fetched = await fetchBundle(source, {
      etag: known?.bundle === undefined ? undefined : known.etag,
      verification: verificationOf(spec),
      limits: defaultLimits,
      timeoutMs,
      clock: this.#options.clock,
      signal,
    });
    if (fetched.kind === "unchanged") return { bundle: known?.bundle, etag: fetched.etag };
    const { bundle, etag } = fetched;
    if (source.kind === "configMap" && spec.digest !== undefined && bundle.digest !== spec.digest) {
      const what = `bundle: has digest ${bundle.digest}, and spec.bundle.digest is ${spec.digest}`;
      throw new BundleError("DigestMismatch", `${what}; correct one of the two`);
    }
    return { bundle, etag };
  }

  async #source(policy: RegoPolicy, spec: BundleSpec, signal: AbortSignal): Promise<BundleSource> {
    const pinned = spec.digest === undefined ? {} : { digest: spec.digest };
    if (spec.http !== undefined) {
      const { url, credentials } = spec.http;
      const known = await this.#credentials(policy, credentials, signal);
      return { kind: "http", url, ...pinned, ...known };
    }
    if (spec.oci !== undefined) {
      const { reference, credentials, plainHttp = false } = spec.oci;
      const known = await this.#credentials(policy, credentials, signal);
      const plain = plainHttp ? { plainHttp } : {};
      return { kind: "oci", reference, ...plain, ...pinned, ...known };
    }
    const { name, namespace } = spec.configMap!;
    const own = policy.metadata.namespace;
    if (own !== undefined && namespace !== undefined && namespace !== own) {
      const what = "spec.bundle.configMap.namespace: is another namespace";
      throw new BundleError("InvalidSource", `${what}; remove it`);
    }
    const ref = { name, namespace: own ?? namespace ?? this.#options.ownNamespace };
    const found = await getObject(this.#options.connection, resources.configMap, ref, signal);
    if (found === undefined) {
      const where = `ConfigMap ${ref.namespace}/${name}`;
      throw new BundleError("Unreachable", `${where}: is not there; create it`);
    }
    return configMapSource(found);
  }

  /** Of the operator's own namespace alone, so that it needs to read no other Secret. */
  async #credentials(
    policy: RegoPolicy,
    ref: { readonly name: string } | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly credentials?: Credentials }> {
    if (ref === undefined) return {};
    if (policy.kind === "RegoPolicyNamespaced") {
      const what = "credentials: are for cluster RegoPolicies";
      throw new BundleError("InvalidSource", `${what}; use one, or a source without credentials`);
    }
    const { connection, ownNamespace: namespace } = this.#options;
    const found = await getObject(connection, resources.secret, { ...ref, namespace }, signal);
    if (found === undefined) {
      const where = `Secret ${namespace}/${ref.name}`;
      throw new BundleError("InvalidSource", `${where}: is not there; create it`);
    }
    const { data = {} } = found as { readonly data?: Readonly<Record<string, string>> };
    const texts = (["token", "username", "password"] as const).flatMap((key) =>
      data[key] === undefined ? [] : [[key, Buffer.from(data[key], "base64").toString()] as const],
    );
    return { credentials: Object.fromEntries(texts) };
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

function configMapSource(object: KubeObject): BundleSource {
  const { data = {}, binaryData = {} } = object as {
    readonly data?: Readonly<Record<string, string>>;
    readonly binaryData?: Readonly<Record<string, string>>;
  };
  const binary = Object.entries(binaryData).map(
    ([key, text]) => [key, Buffer.from(text, "base64")] as const,
  );
  return { kind: "configMap", files: data, binary: Object.fromEntries(binary) };
}

function verificationOf({ verification }: BundleSpec): Verification | undefined {
  if (verification === undefined) return undefined;
  const { keys = [], artifactKeys = [], scope } = verification;
  return { keys, artifactKeys, ...(scope === undefined ? {} : { scope }) };
}

/** At least 5 s; what a server asks for, if that is more. */
function intervalOf({ pollInterval }: BundleSpec, error: Error | undefined): number {
  const [, count, unit] = /^(\d+)([smh])$/.exec(pollInterval ?? "") ?? [];
  const factor = { s: 1_000, m: 60_000, h: 3_600_000 }[unit ?? "s"] ?? 1_000;
  const givenMs = count === undefined ? defaultIntervalMs : Number(count) * factor;
  const askedMs = error instanceof BundleError ? (error.retryAfterMs ?? 0) : 0;
  return Math.min(Math.max(givenMs, askedMs, 5_000), 86_400_000);
}
