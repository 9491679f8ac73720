import {
  applyObject,
  collectionPath,
  deleteObject,
  getObject,
  type KubeConnection,
  type KubeObject,
  metadataOnly,
  type OwnerReference,
  resources,
} from "@guardbee/kube";
import type { Logger } from "pino";
import type { Bundle } from "./bundle.ts";
import { contentDigest } from "./content-digest.ts";
import { decodeBundle, encodeBundle } from "./stored-bundle.ts";

/** The policy that a bundle is kept for. */
export type BundleOwner = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
};

export type BundleStoreOptions = {
  readonly connection: KubeConnection;
  /** Where the ConfigMaps are: the operator's own. Whoever can write there can change policy. */
  readonly namespace: string;
  readonly fieldManager: string;
  readonly log: Logger;
};

/** What the index ConfigMap of an owner says. */
type Index = { readonly digest: string; readonly chunks: number };

const chunkBytes = 768 * 1024; // the API server takes 1 MiB, keys and all
const ownerLabel = "guardbee.io/bundle-of";

/**
 * Keeps the last good bundle of each policy in ConfigMaps: chunks that are named by their digest and
 * never change, and an index that says which are in force and is written last. So at every instant the
 * index names whole chunks, of the old bundle or of the new.
 */
export class BundleStore {
  readonly #options: BundleStoreOptions;

  constructor(options: BundleStoreOptions) {
    this.#options = options;
  }

  /** Keeps `bundle` in place of the owner's last. Writes nothing when it is the one kept. */
  async save(owner: BundleOwner, bundle: Bundle, signal: AbortSignal): Promise<void> {
    const content = await encodeBundle(bundle);
    const digest = contentDigest(content);
    const kept = parseIndex(await this.#get(indexName(owner), signal));
    const chunks = Math.ceil(content.byteLength / chunkBytes);
    if (kept?.digest !== digest) {
      for (let at = 0; at < chunks; at++) {
        const piece = content.subarray(at * chunkBytes, (at + 1) * chunkBytes);
        const binaryData = { chunk: piece.toString("base64") };
        const name = chunkName(owner, digest, at);
        await this.#apply(owner, name, { binaryData, immutable: true }, signal);
      }
      const data = { digest, chunks: String(chunks), revision: bundle.revision };
      await this.#apply(owner, indexName(owner), { data }, signal);
    }
    const current = Array.from({ length: chunks }, (_, at) => chunkName(owner, digest, at));
    await this.#removeAllBut(owner, [indexName(owner), ...current], signal);
  }

  /** The owner's last bundle, or undefined when there is none or, which is logged, it is damaged. */
  async load(owner: BundleOwner, signal: AbortSignal): Promise<Bundle | undefined> {
    const object = await this.#get(indexName(owner), signal);
    if (object === undefined) return undefined;
    const damaged = (reason: string) => {
      const { kind, namespace, name } = owner;
      this.#options.log.warn({ kind, namespace, name, reason }, "kept bundle cannot be used");
      return undefined;
    };
    const index = parseIndex(object);
    if (index === undefined) return damaged(`${indexName(owner)} is no index`);
    const pieces: Buffer[] = [];
    for (let at = 0; at < index.chunks; at++) {
      const name = chunkName(owner, index.digest, at);
      const chunk = (await this.#get(name, signal)) as ChunkObject | undefined;
      if (chunk === undefined) return damaged(`${name} is missing`);
      pieces.push(Buffer.from(chunk.binaryData?.chunk ?? "", "base64"));
    }
    const content = Buffer.concat(pieces);
    if (contentDigest(content) !== index.digest) return damaged(`is not ${index.digest}`);
    try {
      return await decodeBundle(content);
    } catch (error) {
      return damaged((error as Error).message); // written by another version
    }
  }

  /** Removes what is kept for the policy with this uid. */
  async remove(owner: Pick<BundleOwner, "uid">, signal: AbortSignal): Promise<void> {
    await this.#removeAllBut(owner, [], signal);
  }

  /**
   * The uids of all policies that something is kept for. A namespaced policy cannot own an object of
   * another namespace, so its ConfigMaps do not go with it: remove those whose policy is gone.
   */
  async owners(signal: AbortSignal): Promise<readonly string[]> {
    const objects = await this.#list(ownerLabel, signal);
    const uids = objects.map(({ metadata }) => metadata.labels?.[ownerLabel] ?? "");
    return [...new Set(uids)].sort();
  }

  async #removeAllBut(
    owner: Pick<BundleOwner, "uid">,
    keep: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const { connection, namespace } = this.#options;
    const objects = await this.#list(`${ownerLabel}=${owner.uid}`, signal);
    // The index first: what it names must be there as long as it is.
    const names = objects.map(({ metadata }) => metadata.name).sort((a, b) => a.length - b.length);
    for (const name of names) {
      if (keep.includes(name)) continue;
      await deleteObject(connection, resources.configMap, { name, namespace }, signal);
    }
  }

  async #list(labelSelector: string, signal: AbortSignal): Promise<readonly KubeObject[]> {
    const { connection, namespace } = this.#options;
    const path = collectionPath(resources.configMap, namespace);
    const request = { path, query: { labelSelector }, accept: metadataOnly.list };
    const { items } = await connection.request<{ items: KubeObject[] | null }>(request, signal);
    return items ?? [];
  }

  #get(name: string, signal: AbortSignal): Promise<KubeObject | undefined> {
    const { connection, namespace } = this.#options;
    return getObject(connection, resources.configMap, { name, namespace }, signal);
  }

  async #apply(
    owner: BundleOwner,
    name: string,
    content: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<void> {
    const { connection, namespace, fieldManager } = this.#options;
    const metadata = {
      name,
      namespace,
      labels: { "app.kubernetes.io/managed-by": fieldManager, [ownerLabel]: owner.uid },
      annotations: {
        "guardbee.io/policy": [owner.kind, owner.namespace, owner.name].filter(Boolean).join("/"),
      },
      ownerReferences: ownerReferences(owner, namespace),
    };
    const target = { resource: resources.configMap, object: { metadata, ...content } };
    await applyObject(connection, target, { fieldManager, force: true }, signal);
  }
}

type ChunkObject = KubeObject & { readonly binaryData?: { readonly chunk?: string } };

/** None for an owner in another namespace: the garbage collector takes such an owner for gone. */
function ownerReferences(owner: BundleOwner, namespace: string): readonly OwnerReference[] {
  if (owner.namespace !== undefined && owner.namespace !== namespace) return [];
  const { apiVersion, kind, name, uid } = owner;
  return [{ apiVersion, kind, name, uid }];
}

function parseIndex(object: KubeObject | undefined): Index | undefined {
  const { data } = (object ?? {}) as { readonly data?: Readonly<Record<string, string>> };
  const chunks = Number(data?.chunks);
  if (data?.digest === undefined || !Number.isInteger(chunks)) return undefined;
  return { digest: data.digest, chunks };
}

function indexName({ uid }: Pick<BundleOwner, "uid">): string {
  return `rego-bundle-${uid}`;
}

function chunkName(owner: BundleOwner, digest: string, at: number): string {
  return `${indexName(owner)}-${digest.slice("sha256:".length, "sha256:".length + 16)}-${at}`;
}
