import { watch } from "node:fs";
import { open } from "node:fs/promises";
import { basename, join } from "node:path";
import { BoundedMap, type Clock } from "@guardbee/kube";
import { isRecord } from "@guardbee/policy/sets";
import type { Logger } from "pino";

/** What the container runtime was told of a container, which is known before it runs. */
export type RuntimeContainer = {
  /** As in the name of the pod's cgroup. */
  readonly podUid: string;
  readonly namespace: string;
  /** As the pod's spec has it; absent: the sandbox. */
  readonly name?: string;
};

export const containerd: Keys = {
  type: "io.kubernetes.cri.container-type",
  podUid: "io.kubernetes.cri.sandbox-uid",
  namespace: "io.kubernetes.cri.sandbox-namespace",
  name: "io.kubernetes.cri.container-name",
};
/**
 * CRI-O writes a pod's own annotations there as well. Of a container it writes its own behind them, and
 * then kubelet's labels; of a sandbox those labels alone, so that a pod can only make its sandbox look
 * like a container.
 */
export const crio: Keys = {
  type: "io.kubernetes.cri-o.ContainerType",
  podUid: "io.kubernetes.pod.uid",
  namespace: "io.kubernetes.pod.namespace",
  name: "io.kubernetes.container.name",
};

/** Folders below the host's root with one for each container that was started, and where its configuration is there. */
const places: readonly { readonly folder: string; readonly file: string; readonly keys: Keys }[] = [
  ...[
    "run/containerd",
    "run/k3s/containerd",
    "run/k0s/containerd",
    "var/snap/microk8s/common/run/containerd",
  ].map((folder) => ({
    folder: `${folder}/io.containerd.runtime.v2.task/k8s.io`,
    file: "config.json",
    keys: containerd,
  })),
  ...["run/containers/storage", "var/lib/containers/storage"].map((folder) => ({
    folder: `${folder}/overlay-containers`,
    file: "userdata/config.json",
    keys: crio,
  })),
];

/** Of a configuration; one of a container with thousands of mounts is a tenth of that. */
const CONFIG_MAX = 4 << 20;
/** Containers of a node, running and not. */
const KNOWN_MAX = 4_096;
/** How long after the folder of a container its cgroup is made. */
const STARTS_FOR_MS = 5_000;

/**
 * The containers of the runtimes that keep their configurations below `hostRoot`: containerd and CRI-O.
 * Their folders are root's alone.
 */
export class RuntimeContainers {
  readonly #hostRoot: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** By id. Written by `find` only. */
  readonly #known = new BoundedMap<string, RuntimeContainer>(KNOWN_MAX);
  /** Ids whose folder was made, and until when the cgroup is to be looked for. Written by `follow` and `starting`. */
  readonly #made = new Map<string, number>();

  constructor(options: { hostRoot: string; clock: Clock; log: Logger }) {
    this.#hostRoot = options.hostRoot;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** undefined while the runtime has not said it, or where it cannot be read. */
  async find(id: string): Promise<RuntimeContainer | undefined> {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    for (const { folder, file, keys } of places) {
      const found = await readContainer(join(this.#hostRoot, folder, id, file), keys);
      if (found === undefined) continue;
      this.#known.set(id, found);
      return found;
    }
    return undefined;
  }

  /** Uids of pods of which a container is about to have its cgroup; `present` are the ids of those that have. */
  async starting(present: ReadonlySet<string>): Promise<readonly string[]> {
    const now = this.#clock.monotonic();
    for (const [id, untilMs] of this.#made) {
      if (present.has(id) || untilMs < now) this.#made.delete(id);
    }
    const found = await Promise.all([...this.#made.keys()].map((id) => this.find(id)));
    return found.flatMap((one) => (one === undefined ? [] : [one.podUid]));
  }

  /** Whether `starting` may have something to say. */
  anyStarting(): boolean {
    return this.#made.size > 0;
  }

  /** Calls `onMade` whenever a container's folder was made, until `signal` aborts. */
  async follow(onMade: () => void, signal: AbortSignal): Promise<void> {
    const watchers = places.map(({ folder }) => {
      const enter = (_event: string, name: string | null) => {
        const id = basename(name ?? "");
        if (!/^[0-9a-f]{64}$/.test(id)) return;
        this.#made.set(id, this.#clock.monotonic() + STARTS_FOR_MS);
        onMade();
      };
      return this.#watch(join(this.#hostRoot, folder), enter);
    });
    if (!signal.aborted) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    }
    for (const each of watchers) each?.close();
  }

  /** undefined where there is no such folder. */
  #watch(folder: string, enter: (event: string, name: string | null) => void) {
    try {
      const watcher = watch(folder, enter);
      const gone = (err: Error) => this.#log.warn({ err, folder }, "new containers are found late");
      return watcher.on("error", gone);
    } catch {
      return undefined; // another runtime's: sweeps find what there is
    }
  }
}

async function readContainer(path: string, keys: Keys): Promise<RuntimeContainer | undefined> {
  try {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      if (size > CONFIG_MAX) return undefined;
      return parseContainer(JSON.parse(await file.readFile("utf8")), keys);
    } finally {
      await file.close();
    }
  } catch {
    return undefined; // not there, or not written to its end yet
  }
}

/** Where a runtime writes the four in the annotations of an OCI configuration. */
type Keys = Readonly<Record<"type" | "podUid" | "namespace" | "name", string>>;

/** What an OCI configuration has under those keys. */
export function parseContainer(config: unknown, keys: Keys): RuntimeContainer | undefined {
  const annotations = fields(fields(config).annotations);
  const [type, podUid, namespace, name] = [keys.type, keys.podUid, keys.namespace, keys.name].map(
    (key) => annotations[key],
  );
  return container(type, podUid, namespace, name);
}

function container(
  type: unknown,
  podUid: unknown,
  namespace: unknown,
  name: unknown,
): RuntimeContainer | undefined {
  if (typeof podUid !== "string" || typeof namespace !== "string") return undefined;
  if (type === "sandbox") return { podUid, namespace };
  if (type !== "container" || typeof name !== "string") return undefined;
  return { podUid, namespace, name };
}

type Fields = Readonly<Record<string, unknown>>;

function fields(raw: unknown): Fields {
  return isRecord(raw) ? raw : {};
}
