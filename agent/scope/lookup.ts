import { BoundedMap } from "@guardbee/kube";
import { bareContainerId, type Container, type Pod } from "@guardbee/policy/sets";
import type { ContainerCgroup, PodCgroup } from "./cgroups.ts";
import type { PodContainer, PodLookup } from "./pod-container.ts";
import type { NodeSnapshot } from "./resolve.ts";

/** Walks cgroups: PodWatch. */
export type Sweeper = {
  /** Sweeps completed so far. */
  sweepCount(): number;
  /** Asks for a sweep soon; many asks are one sweep. */
  sweepSoon(): void;
};

/** Cgroups that are gone and still answered for: events about them may be on their way. */
const GONE_MAX = 1024;
/** Cgroups that were asked for and are no pod's. Ids are never used again, so forgetting is safe. */
const FOREIGN_MAX = 16_384;

/**
 * Who lives in a cgroup, from the newest snapshot. Cgroups inside a container count as it. An id
 * that no snapshot has starts a sweep, once: if it is not a pod's then, it never will be.
 */
export class CgroupPods implements PodLookup {
  readonly #sweeper: Sweeper;
  /** Written by `update` only. */
  #current = new Map<bigint, PodContainer>();
  /** Of earlier snapshots, oldest first. Written by `update` only. */
  readonly #gone = new BoundedMap<bigint, PodContainer>(GONE_MAX);
  /** All cgroups of the snapshot, also where nobody is known yet. Written by `update` only. */
  #seen: ReadonlySet<bigint> = new Set();
  /** Unknown ids and the sweep that was the last when each was asked for. Written by `byCgroup`. */
  readonly #asked = new Map<bigint, number>();

  constructor(sweeper: Sweeper) {
    this.#sweeper = sweeper;
  }

  byCgroup(cgroupId: bigint): PodContainer | undefined {
    const found = this.#current.get(cgroupId) ?? this.#gone.get(cgroupId);
    if (found === undefined && !this.#seen.has(cgroupId)) this.#ask(cgroupId);
    return found;
  }

  update(snapshot: NodeSnapshot): void {
    const next = new Map<bigint, PodContainer>();
    const seen = new Set<bigint>();
    const byUid = new Map(snapshot.pods.map((pod) => [pod.cgroupUid, pod]));
    for (const cgroup of snapshot.tree.pods) {
      for (const { ids, lives } of residents(cgroup, byUid.get(cgroup.uid))) {
        const kept = lives && sameAs(lives, this.#current.get(ids[0] ?? 0n));
        for (const id of ids) {
          seen.add(id);
          if (kept !== undefined) next.set(id, kept);
        }
      }
    }
    for (const id of next.keys()) this.#gone.delete(id);
    for (const [id, lived] of this.#current) if (!next.has(id)) this.#gone.set(id, lived);
    this.#current = next;
    this.#seen = seen;
  }

  #ask(id: bigint): void {
    const asked = this.#asked.get(id);
    if (asked === undefined) {
      if (this.#asked.size >= FOREIGN_MAX) this.#asked.clear();
      this.#asked.set(id, this.#sweeper.sweepCount());
    } else if (this.#sweeper.sweepCount() >= asked + 2) {
      return; // the sweep after the one then under way did not see it: it is no pod's
    }
    this.#sweeper.sweepSoon();
  }
}

type Residents = { readonly ids: readonly bigint[]; readonly lives: PodContainer | undefined };

function residents(cgroup: PodCgroup, pod: Pod | undefined): readonly Residents[] {
  const shown = pod && showPod(pod);
  const inPod = shown && { pod: shown };
  const sandbox = sandboxOf(cgroup);
  return [
    { ids: [cgroup.id, ...cgroup.others], lives: inPod },
    ...cgroup.containers.map((folder) => {
      const container = pod?.containers.find(
        ({ running }) => bareContainerId(running?.id ?? "") === folder.containerId,
      );
      const inContainer = shown && container && showContainer(shown, container);
      const lives = inContainer ?? (folder === sandbox ? inPod : undefined);
      return { ids: [folder.id, ...folder.nested], lives };
    }),
  ];
}

/**
 * The sandbox is made before all other containers of a pod, so its cgroup has the lowest id; kubelet
 * does not name it in the pod's status. CRI-O makes none for most pods.
 */
function sandboxOf(cgroup: PodCgroup): ContainerCgroup | undefined {
  const [first, ...rest] = cgroup.containers;
  if (first === undefined || first.path.includes("/crio-")) return undefined;
  return rest.reduce((oldest, each) => (each.id < oldest.id ? each : oldest), first);
}

function showPod(pod: Pod): PodContainer["pod"] {
  const { namespace, name, uid, labels, annotations, workload } = pod;
  return {
    namespace,
    name,
    uid,
    labels,
    ...(annotations === undefined ? {} : { annotations }),
    workload: workload.name,
    workloadKind: workload.kind,
  };
}

function showContainer(
  pod: PodContainer["pod"],
  { name, image, privileged, execProbes, running }: Container,
): PodContainer | undefined {
  if (running === undefined) return undefined;
  const { id, imageId, startedAt } = running;
  return {
    pod,
    container: {
      id,
      name,
      image: { id: imageId, name: image },
      privileged,
      ...(execProbes === undefined ? {} : { execProbes }),
      ...(startedAt === undefined ? {} : { startTime: startedAt }),
    },
  };
}

/** `before` when it says the same, so that its identity tells that nothing changed. */
function sameAs(now: PodContainer, before: PodContainer | undefined): PodContainer {
  return JSON.stringify(now) === JSON.stringify(before) ? (before ?? now) : now;
}
