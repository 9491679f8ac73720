import { inScope, type PodPlace } from "./decide/in-scope.ts";
import { isRecord } from "./is-record.ts";
import type { SelectorSet } from "./selector-set.ts";

/** What is read of a Pod object: enough for scopes and for the pod part of an event. */
export type Pod = {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /**
   * The uid in the names of its cgroups: for a static pod the hash of its manifest. A claim, where
   * it is not `uid`, until PodWatch has found one of the pod's containers there.
   */
  readonly cgroupUid: string;
  /** RFC 3339, by the API server. */
  readonly createdAt?: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Absent where they were not asked for. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly workload: Workload;
  readonly hostPid: boolean;
  readonly hostNetwork: boolean;
  /** Succeeded or Failed: its containers will not start again. */
  readonly finished: boolean;
  /** Init and ephemeral containers too, in the order of the spec. */
  readonly containers: readonly Container[];
};

export type Workload = { readonly kind: string; readonly name: string };

export type Container = {
  readonly name: string;
  /** As the spec gives it, with tag or digest. */
  readonly image: string;
  readonly privileged: boolean;
  /** Commands of its liveness and readiness probes; absent where it has none that are commands. */
  readonly execProbes?: readonly (readonly string[])[];
  /** Known once kubelet has reported it; absent before that. */
  readonly running?: RunningContainer;
};

export type RunningContainer = {
  /** With the runtime's prefix: `containerd://<64 hex digits>`. */
  readonly id: string;
  readonly imageId: string;
  /** Runs now, so its cgroup is to be found; false once it has ended. */
  readonly live: boolean;
  /** RFC 3339; absent when the container never ran. */
  readonly startedAt?: string;
};

/** A container's id without its runtime's prefix, which is how its cgroup is named. */
export function bareContainerId(id: string): string {
  return id.slice(id.indexOf("://") === -1 ? 0 : id.indexOf("://") + 3);
}

/**
 * The names that a container's image goes by, any of which a container selector's `repo` may give:
 * as the pod has it, as the runtime reports what it pulled, and each of these in full
 * (`docker.io/library/ubuntu`) and as short as runtimes take it (`ubuntu`). Without tag and digest.
 */
export function imageRepos(image: string, imageId = ""): readonly string[] {
  const written = withoutTag(image.split("@", 1)[0]!);
  const pulled = imageId.replace(/^[\w-]+:\/\//, "");
  const reported = pulled.includes("@") ? [withoutTag(pulled.split("@", 1)[0]!)] : [];
  return [...new Set([written, ...reported].flatMap((name) => [name, ...otherNames(name)]))];
}

/** In full, and without what a name of docker.io may go without. */
function otherNames(name: string): readonly string[] {
  const full = inFull(name);
  const [, path, bare] = /^docker\.io\/((?:library\/([^/]+))|.+)$/.exec(full) ?? [];
  const short = bare === undefined ? [path] : [path, `docker.io/${bare}`, bare];
  return [full, ...short.filter((one) => one !== undefined)];
}

function withoutTag(name: string): string {
  const tag = name.indexOf(":", name.lastIndexOf("/") + 1);
  return tag === -1 ? name : name.slice(0, tag);
}

/** The rule of github.com/distribution/reference: what has no registry is docker.io's. */
function inFull(name: string): string {
  const [first = "", ...rest] = name.split("/");
  const registry = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  if (!registry) return `docker.io/${rest.length === 0 ? "library/" : ""}${name}`;
  if (first !== "docker.io" && first !== "index.docker.io") return name;
  return `docker.io/${rest.length === 1 ? "library/" : ""}${rest.join("/")}`;
}

/**
 * Names of the sets that hold in a container of the pod, or in one that is not known; without one, in
 * the pod as a whole. A pod that is not known has no labels, and perhaps no namespace.
 */
export function setsIn(
  sets: readonly { readonly name: string; readonly set: SelectorSet }[],
  pod: Pick<PodPlace, "namespace" | "labels">,
  container?: ContainerPlace,
): readonly string[] {
  const place = podPlace(pod, container);
  return sets
    .filter(({ set }) => inScope(set.scope, place))
    .map(({ name }) => name)
    .sort();
}

type ContainerPlace = "unknown" | Pick<Container, "name" | "image" | "running">;

/** What scopes select by, of a container or of the pod alone. */
export function podPlace(
  { namespace, labels }: Pick<PodPlace, "namespace" | "labels">,
  container?: ContainerPlace,
): PodPlace {
  return {
    kind: "pod",
    ...(namespace === undefined ? {} : { namespace }),
    ...(labels === undefined ? {} : { labels }),
    ...(container === undefined ? {} : { container: placeOf(container) }),
  };
}

function placeOf(
  container: "unknown" | Pick<Container, "name" | "image" | "running">,
): NonNullable<PodPlace["container"]> {
  if (container === "unknown") return container;
  const { name, image, running } = container;
  return { name, repos: imageRepos(image, running?.imageId) };
}

/**
 * The projection of a Pod as the API server gives it, or undefined when it has no identity. With its
 * annotations only where `keep` says so: they may be large, and nothing but events shows them.
 */
export function parsePod(raw: unknown, keep?: { readonly annotations: boolean }): Pod | undefined {
  const { metadata, spec, status } = fields(raw);
  const meta = fields(metadata);
  const podSpec = fields(spec);
  const namespace = text(meta.namespace);
  const name = text(meta.name);
  const uid = text(meta.uid);
  if (namespace === undefined || name === undefined || uid === undefined) return undefined;
  const labels = strings(meta.labels);
  const annotations = strings(meta.annotations);
  const createdAt = text(meta.creationTimestamp);
  return {
    ...{ namespace, name, uid },
    ...(createdAt === undefined ? {} : { createdAt }),
    cgroupUid: cgroupUid(uid, annotations),
    labels,
    ...(keep?.annotations === true ? { annotations } : {}),
    workload: workloadOf(name, meta, labels),
    hostPid: podSpec.hostPID === true,
    hostNetwork: podSpec.hostNetwork === true,
    finished: ["Succeeded", "Failed"].includes(text(fields(status).phase) ?? ""),
    containers: parseContainers(podSpec, fields(status)),
  };
}

/**
 * A mirror pod goes by the hash of its static pod's manifest, which no uid of another pod looks
 * like. Whoever may create pods can write these annotations: PodWatch has to prove them.
 */
function cgroupUid(uid: string, annotations: Readonly<Record<string, string>>): string {
  const hash = annotations["kubernetes.io/config.hash"] ?? "";
  const mirrors = annotations["kubernetes.io/config.mirror"];
  return mirrors === hash && /^[0-9a-f]{32}$/.test(hash) ? hash : uid;
}

/** Upstream's heuristics (reference/upstream-events-cli.md §1.3). */
function workloadOf(
  podName: string,
  meta: Fields,
  labels: Readonly<Record<string, string>>,
): Workload {
  const owner = list(meta.ownerReferences)
    .map(fields)
    .find((reference) => reference.controller === true);
  const kind = text(owner?.kind);
  const name = text(owner?.name);
  if (text(meta.generateName) === undefined || kind === undefined || name === undefined) {
    return { kind: "Pod", name: podName };
  }
  const hash = labels["pod-template-hash"];
  if (kind === "ReplicaSet" && hash !== undefined && name.endsWith(`-${hash}`)) {
    return { kind: "Deployment", name: name.slice(0, -hash.length - 1) };
  }
  const config = labels.deploymentconfig;
  if (kind === "ReplicationController" && config !== undefined) {
    return { kind: "DeploymentConfig", name: config };
  }
  const cron = kind === "Job" ? /^(.+)-\d{8,10}$/.exec(name)?.[1] : undefined;
  return cron === undefined ? { kind, name } : { kind: "CronJob", name: cron };
}

const CONTAINER_LISTS = [
  ["initContainers", "initContainerStatuses"],
  ["containers", "containerStatuses"],
  ["ephemeralContainers", "ephemeralContainerStatuses"],
] as const;

function parseContainers(spec: Fields, status: Fields): readonly Container[] {
  return CONTAINER_LISTS.flatMap(([specKey, statusKey]) => {
    const statuses = list(status[statusKey]).map(fields);
    return list(spec[specKey])
      .map(fields)
      .map((container) => {
        const running = parseRunning(statuses.find(({ name }) => name === container.name));
        const execProbes = parseExecProbes(container);
        return {
          name: text(container.name) ?? "",
          image: text(container.image) ?? "",
          privileged: fields(container.securityContext).privileged === true,
          ...(execProbes.length === 0 ? {} : { execProbes }),
          ...(running === undefined ? {} : { running }),
        };
      });
  });
}

function parseExecProbes(container: Fields): readonly (readonly string[])[] {
  return [container.livenessProbe, container.readinessProbe]
    .map((probe) => list(fields(fields(probe).exec).command))
    .map((command) => command.filter((word) => typeof word === "string"))
    .filter((command) => command.length > 0);
}

function parseRunning(status: Fields | undefined): RunningContainer | undefined {
  const id = text(status?.containerID);
  if (status === undefined || id === undefined) return undefined;
  const state = fields(status.state);
  const startedAt = text(fields(state.running ?? state.terminated).startedAt);
  return {
    id,
    imageId: text(status.imageID) ?? "",
    live: state.running !== undefined,
    ...(startedAt === undefined ? {} : { startedAt }),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function fields(raw: unknown): Fields {
  return isRecord(raw) ? raw : {};
}

function list(raw: unknown): readonly unknown[] {
  return Array.isArray(raw) ? raw : [];
}

/** A string with something in it, or undefined. */
function text(raw: unknown): string | undefined {
  return typeof raw === "string" && raw !== "" ? raw : undefined;
}

function strings(raw: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(fields(raw));
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
