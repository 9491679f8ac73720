import type { KubeConnection } from "./connection.ts";
import { isKubeError } from "./kube-error.ts";
import { listPages } from "./list-pages.ts";
import {
  apiVersion,
  collectionPath,
  type KubeObject,
  type ObjectRef,
  objectPath,
  type Resource,
} from "./resource.ts";

/** An object to apply: identity, and the fields that the manager owns. */
export type Applied = {
  readonly metadata: ObjectRef & {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: KubeObject["metadata"]["ownerReferences"];
    /** Set to apply only to the object of this identity, never to a successor of its name. */
    readonly uid?: string;
  };
  readonly [field: string]: unknown;
};

/** How server-side apply resolves conflicts: `force` takes fields over from other managers. */
export type ApplyOptions = { readonly fieldManager: string; readonly force?: boolean };

/** The object after server-side apply; fields we owned and left out are removed. */
export function applyObject(
  connection: KubeConnection,
  target: { readonly resource: Resource; readonly object: Applied },
  options: ApplyOptions,
  signal: AbortSignal,
): Promise<KubeObject> {
  return apply(connection, { ...target, subresource: undefined }, options, signal);
}

/** As applyObject, on the status subresource. Fails with 404 when the object is gone. */
export function applyStatus(
  connection: KubeConnection,
  target: { readonly resource: Resource; readonly object: Applied },
  options: ApplyOptions,
  signal: AbortSignal,
): Promise<KubeObject> {
  return apply(connection, { ...target, subresource: "status" }, options, signal);
}

/**
 * The object, or undefined when there is none. With a resourceVersion: any version from that one
 * on, which the API server has in its cache where it would ask etcd else; 504 while it has not
 * (Kubernetes API concepts, "Resource versions").
 */
export async function getObject(
  connection: KubeConnection,
  resource: Resource,
  { resourceVersion, ...ref }: ObjectRef & { readonly resourceVersion?: string },
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  try {
    const request = { path: objectPath(resource, ref), query: { resourceVersion } };
    return await connection.request<KubeObject>(request, signal);
  } catch (error) {
    if (isKubeError(error, 404)) return undefined;
    throw error;
  }
}

/** Every object of the collection, read page by page; of all namespaces unless one is given. */
export async function listObjects(
  connection: KubeConnection,
  resource: Resource,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  const request = { path: collectionPath(resource, namespace), pageSize: 500 };
  const type = { apiVersion: apiVersion(resource), kind: resource.kind };
  const objects: KubeObject[] = [];
  for await (const { items } of listPages(connection, request, signal)) {
    // Items of a list carry no kind of their own.
    objects.push(...(items ?? []).map((item) => ({ ...type, ...item })));
  }
  return objects;
}

/** Creates the object; KubeError 409 when one of its name exists. */
export function createObject(
  connection: KubeConnection,
  resource: Resource,
  object: Applied,
  signal: AbortSignal,
): Promise<KubeObject> {
  const path = objectPath(resource, object.metadata);
  return connection.request<KubeObject>(
    {
      method: "POST",
      path: path.slice(0, path.lastIndexOf("/")),
      body: { apiVersion: apiVersion(resource), kind: resource.kind, ...object },
    },
    signal,
  );
}

/** Ensures that the object is gone; with `uid`, only if it is still that very object. */
export async function deleteObject(
  connection: KubeConnection,
  resource: Resource,
  ref: ObjectRef & { readonly uid?: string },
  signal: AbortSignal,
): Promise<void> {
  const body = ref.uid === undefined ? {} : { preconditions: { uid: ref.uid } };
  try {
    await connection.request({ method: "DELETE", path: objectPath(resource, ref), body }, signal);
  } catch (error) {
    if (!isKubeError(error, 404) && !isKubeError(error, 409)) throw error;
  }
}

async function apply(
  connection: KubeConnection,
  target: {
    readonly resource: Resource;
    readonly object: Applied;
    readonly subresource: "status" | undefined;
  },
  options: ApplyOptions,
  signal: AbortSignal,
): Promise<KubeObject> {
  const { resource, object, subresource } = target;
  return connection.request<KubeObject>(
    {
      method: "PATCH",
      path: objectPath(resource, object.metadata, subresource),
      query: { fieldManager: options.fieldManager, force: options.force === true },
      contentType: "application/apply-patch+yaml", // JSON is YAML
      body: { apiVersion: apiVersion(resource), kind: resource.kind, ...object },
    },
    signal,
  );
}
