import {
  apiVersion,
  type KubeConnection,
  KubeError,
  type KubeObject,
  type KubeRequest,
  objectPath,
  type Resource,
} from "@guardbee/kube";

type Watcher = { readonly request: KubeRequest; readonly queue: string[]; wake: () => void };

/** For tests: an API server in memory with lists, watches, get and server-side apply of a status. */
export class FakeApi implements KubeConnection {
  readonly server = "http://fake";
  readonly namespace = "default";
  /** Bodies of status applies, in order. */
  readonly applied: { readonly path: string; readonly body: KubeObject }[] = [];
  /** While true every request fails and watches are broken off. Written by tests through `setDown`. */
  #down = false;
  #version = 1;
  /** By path. */
  readonly #objects = new Map<string, KubeObject>();
  readonly #watchers = new Set<Watcher>();

  /** Creates or replaces; a changed spec is a new generation, and the status stays. */
  put(resource: Resource, given: KubeObject): void {
    const path = objectPath(resource, given.metadata);
    const before = this.#objects.get(path);
    const same = before !== undefined && equal(before.spec, given.spec);
    this.#version += 1;
    const object: KubeObject = {
      status: before?.status,
      ...given,
      apiVersion: apiVersion(resource),
      kind: resource.kind,
      metadata: {
        uid: `uid-${given.metadata.name}`,
        ...given.metadata,
        generation: (before?.metadata.generation ?? 0) + (same ? 0 : 1),
        resourceVersion: String(this.#version),
      },
    };
    this.#objects.set(path, object);
    this.#tell(before === undefined ? "ADDED" : "MODIFIED", path, object);
  }

  remove(resource: Resource, ref: { readonly name: string; readonly namespace?: string }): void {
    const path = objectPath(resource, ref);
    const before = this.#objects.get(path);
    if (before === undefined) return;
    this.#objects.delete(path);
    this.#version += 1;
    const metadata = { ...before.metadata, resourceVersion: String(this.#version) };
    this.#tell("DELETED", path, { ...before, metadata });
  }

  /** The stored object. */
  get(resource: Resource, name: string): KubeObject | undefined {
    return this.#objects.get(objectPath(resource, { name }));
  }

  setDown(down: boolean): void {
    this.#down = down;
    for (const watcher of this.#watchers) watcher.wake();
  }

  async request<T>(request: KubeRequest, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    if (this.#down) throw new Error("connect ECONNREFUSED");
    return structuredClone(this.#answer(request)) as T;
  }

  async *lines(request: KubeRequest, signal: AbortSignal): AsyncGenerator<string, void> {
    const watcher: Watcher = { request, queue: [], wake: () => {} };
    const abort = () => watcher.wake();
    signal.addEventListener("abort", abort);
    this.#watchers.add(watcher);
    try {
      for (;;) {
        signal.throwIfAborted();
        if (this.#down) throw new Error("connect ECONNREFUSED");
        const line = watcher.queue.shift();
        if (line !== undefined) yield line;
        else
          await new Promise<void>((resolve) => {
            watcher.wake = resolve;
          });
      }
    } finally {
      signal.removeEventListener("abort", abort);
      this.#watchers.delete(watcher);
    }
  }

  close(): void {}

  #answer(request: KubeRequest): unknown {
    if (request.method === "PATCH") return this.#apply(request);
    const object = this.#objects.get(request.path);
    if (object !== undefined) return object;
    if (!isCollection(request.path)) throw notFound(request.path);
    const items = [...this.#objects]
      .filter(([path, each]) => matches(request, path, each))
      .map(([, each]) => shown(request, each));
    const metadata = { resourceVersion: String(this.#version) };
    // The first page is all that tests ask for with a limit of one.
    if (request.query?.limit !== 1) return { metadata, items };
    const remainingItemCount = Math.max(0, items.length - 1);
    return { metadata: { ...metadata, remainingItemCount }, items: items.slice(0, 1) };
  }

  #apply({ path, body }: KubeRequest): KubeObject {
    const of = path.replace(/\/status$/, "");
    const before = this.#objects.get(of);
    const given = body as KubeObject;
    if (before === undefined && of !== path) throw notFound(path);
    this.applied.push({ path, body: structuredClone(given) });
    if (of === path) return this.#applyWhole(path, given);
    if (before === undefined) throw notFound(path);
    this.#version += 1;
    const metadata = { ...before.metadata, resourceVersion: String(this.#version) };
    const after = { ...before, metadata, status: structuredClone(given.status) };
    this.#objects.set(of, after);
    this.#tell("MODIFIED", of, after);
    return after;
  }

  #applyWhole(path: string, given: KubeObject): KubeObject {
    this.#version += 1;
    const { name } = given.metadata;
    const metadata = {
      uid: `uid-${name}`,
      ...structuredClone(given.metadata),
      resourceVersion: String(this.#version),
    };
    const after = { ...structuredClone(given), metadata };
    this.#tell(this.#objects.has(path) ? "MODIFIED" : "ADDED", path, after);
    this.#objects.set(path, after);
    return after;
  }

  #tell(type: string, path: string, object: KubeObject): void {
    for (const watcher of this.#watchers) {
      if (!matches(watcher.request, path, object)) continue;
      watcher.queue.push(JSON.stringify({ type, object: shown(watcher.request, object) }));
      watcher.wake();
    }
  }
}

function isCollection(path: string): boolean {
  return /^\/(api\/v1|apis\/[^/]+\/[^/]+)\/[^/]+$/.test(path);
}

function matches({ path: collection, query }: KubeRequest, path: string, object: KubeObject) {
  const resource = collection.slice(collection.lastIndexOf("/"));
  if (!path.includes(`${resource}/`)) return false;
  const [field, value] = String(query?.fieldSelector ?? "").split("=");
  if (field === "metadata.name") return object.metadata.name === value;
  if (field === "spec.nodeName") return (object.spec as { nodeName?: string })?.nodeName === value;
  return true;
}

function shown({ accept }: KubeRequest, object: KubeObject): KubeObject {
  if (!accept?.includes("PartialObjectMetadata")) return object;
  const { apiVersion: version, kind, metadata } = object;
  return { apiVersion: version ?? "", kind: kind ?? "", metadata };
}

function notFound(path: string): KubeError {
  return new KubeError(`GET ${path}`, { status: 404, reason: "NotFound", message: "not found" });
}

function equal(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
