import { type Clock, Loop, type NextStep, runTogether } from "@guardbee/kube";
import { bareContainerId, type Pod } from "@guardbee/policy/sets";
import type { Logger } from "pino";
import { type CgroupTree, findPodCgroup, type PodCgroup, readCgroupTree } from "./cgroups.ts";
import type { NodeSnapshot } from "./resolve.ts";
import type { RuntimeContainers } from "./runtime-containers.ts";

export type PodWatchOptions = {
  /** The host's cgroup v2 root: `/sys/fs/cgroup`, in a container where the host's is mounted. */
  readonly cgroupRoot: string;
  /** What container runtimes say of their containers, where that can be read. */
  readonly runtime?: RuntimeContainers;
  readonly clock: Clock;
  readonly log: Logger;
  /** Pods known from an earlier run; they count until `replace` says what there is. */
  readonly pods?: readonly Pod[];
  /** Called with what is known whenever pods or cgroups changed. */
  readonly onChange: (snapshot: NodeSnapshot) => void;
};

/** Sweeps that are asked for come no closer together than this. */
const SWEEP_SOON_MS = 100;
/** Drift (static pods, folders missed) is found within this time. */
const SWEEP_MS = 10_000;
/**
 * cgroupfs reports no new folders, so a folder that must appear soon is looked for: kubelet makes
 * the pod's before the sandbox, whose network takes longer than this.
 */
const EXPECT_MS = 50;
/** One that a runtime is about to make, until when a policy may hold for it that is not meant. */
const STARTING_MS = 10;
const EXPECT_FOR_MS = 5_000;
/** After that, while an image is pulled or a volume attached. */
const EXPECT_SLOWLY_MS = 500;
const EXPECT_SLOWLY_FOR_MS = 60_000;

/**
 * Pods of this node joined with their cgroups. A deleted pod is kept while its cgroup exists: one
 * deleted by force may run for a while, and must not leave the policies that select its labels.
 *
 * Whoever creates a pod can have it claim a static pod's cgroup. It gets one only when one of its
 * containers, which kubelet reports, runs there, and never that of a pod that is not deleted; among
 * several the oldest comes first. What cannot be told is nobody's, and holds what every pod does.
 */
export class PodWatch {
  readonly #options: PodWatchOptions;
  readonly #loop: Loop;
  /** By cgroup uid. Written by `upsert`, `replace` and, for pods that are gone, the sweep. */
  readonly #pods = new Map<string, Pod>();
  /** By uid: pods that claim a cgroup and have not been found in it. Same writers. */
  readonly #claims = new Map<string, Pod>();
  /** Cgroup uids of deleted pods that may still run. Same writers. */
  readonly #deleted = new Set<string>();
  /** When each pod last had other containers (monotonic). Same writers. */
  readonly #changedAt = new Map<string, number>();
  /** Written by `sweep` and `#lookForExpected`. */
  #tree: CgroupTree = { roots: [], pods: [] };
  #sweeps = 0;
  /** Uids of the pods that were missing at the last sweep. Written by `sweep`. */
  #missing = "";
  /** A call of onChange is due. Written by `#publish` only. */
  #publishing = false;
  /** When the next sweep is due (monotonic). Written by `sweep` and `sweepSoon`. */
  #sweepAt = 0;
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(options: PodWatchOptions) {
    this.#options = options;
    const { clock, log } = options;
    this.#loop = new Loop({
      step: () => this.#walk(),
      failure: "cgroups cannot be read",
      level: "error",
      backOff: { firstMs: EXPECT_MS, maxMs: SWEEP_MS },
      ...{ clock, log },
    });
    for (const pod of options.pods ?? []) this.#accept(pod); // as they were when they were saved
  }

  snapshot(): NodeSnapshot {
    return { pods: [...this.#pods.values()], tree: this.#tree };
  }

  /**
   * Pods that kubelet says run, and whose cgroup is not to be found: at once where there is no
   * kubepods folder, else after five seconds.
   */
  missing(): readonly Pod[] {
    const noRoot = this.#sweeps > 0 && this.#tree.roots.length === 0;
    const now = this.#options.clock.monotonic();
    const byUid = new Map(this.#tree.pods.map((pod) => [pod.uid, pod]));
    return [...this.#pods.values()].filter((pod) => {
      if (this.#deleted.has(pod.cgroupUid) || !runs(pod)) return false;
      const ageMs = now - (this.#changedAt.get(pod.cgroupUid) ?? now);
      return (noRoot || ageMs >= EXPECT_FOR_MS) && lacksFolder(pod, byUid.get(pod.cgroupUid));
    });
  }

  /** A pod appeared or changed. */
  upsert(pod: Pod): void {
    this.#put(pod);
    this.#prove();
    this.#publish();
  }

  remove(pod: Pod): void {
    if (this.#pods.get(pod.cgroupUid)?.uid === pod.uid) this.#deleted.add(pod.cgroupUid);
    this.#claims.delete(pod.uid);
    if (!this.#pods.has(pod.cgroupUid)) this.#changedAt.delete(pod.cgroupUid);
    if (this.#prove()) this.#publish();
    this.#loop.wake();
  }

  /** These are all the pods there are. */
  replace(pods: readonly Pod[]): void {
    const listed = new Set(pods.map(({ uid }) => uid));
    for (const [cgroupUid, { uid }] of this.#pods) {
      if (!listed.has(uid)) this.#deleted.add(cgroupUid);
    }
    for (const uid of this.#claims.keys()) if (!listed.has(uid)) this.#claims.delete(uid);
    for (const pod of pods) this.#put(pod);
    this.#prove();
    this.#publish();
  }

  sweepCount(): number {
    return this.#sweeps;
  }

  /** Asks `run` for a sweep now, or as soon as the last one is long enough ago. */
  sweepSoon(): void {
    this.#sweepAt = Math.min(this.#sweepAt, this.#sweptAt + SWEEP_SOON_MS);
    this.#loop.wake();
  }

  /** Walks cgroups until `signal` aborts. A walk that fails is logged and tried again. */
  async run(signal: AbortSignal): Promise<void> {
    const { runtime } = this.#options;
    const walks = (each: AbortSignal) => this.#loop.run(each);
    if (runtime === undefined) return walks(signal);
    const follows = (each: AbortSignal) => runtime.follow(() => this.#loop.wake(), each);
    await runTogether([walks, follows], signal);
  }

  async #walk(): Promise<NextStep> {
    const { clock } = this.#options;
    if (clock.monotonic() >= this.#sweepAt) await this.sweep();
    else await this.#lookForExpected();
    return { againInMs: Math.min(this.#pauseMs(), this.#sweepAt - clock.monotonic()) };
  }

  /** Reads all cgroups once; `run` does it every ten seconds. */
  async sweep(): Promise<void> {
    this.#sweptAt = this.#options.clock.monotonic();
    this.#sweepAt = this.#sweptAt + SWEEP_MS;
    const tree = await readCgroupTree(this.#options.cgroupRoot, this.#options.runtime);
    const present = new Set(tree.pods.map(({ uid }) => uid));
    const over = [...this.#deleted].filter((uid) => !present.has(uid));
    for (const uid of over) this.#forget(uid);
    this.#sweeps += 1;
    this.#enter(tree);
    const missing = this.missing()
      .map(({ uid }) => uid)
      .join();
    const news = over.length > 0 || missing !== this.#missing;
    this.#missing = missing;
    // The first sweep is news in itself: that there are no pods is known only now.
    if (news || this.#sweeps === 1) this.#publish();
  }

  async #lookForExpected(): Promise<void> {
    const { runtime } = this.#options;
    const { roots, pods } = this.#tree;
    const present = pods.flatMap(({ containers }) => containers.map((one) => one.containerId));
    const starting = (await runtime?.starting(new Set(present))) ?? [];
    const wanted = new Set([...this.#expected().map(({ cgroupUid }) => cgroupUid), ...starting]);
    const looked = await Promise.all([...wanted].map((uid) => findPodCgroup(roots, uid, runtime)));
    const found = looked.filter((pod) => pod !== undefined);
    const uids = new Set(found.map(({ uid }) => uid));
    const others = this.#tree.pods.filter(({ uid }) => !uids.has(uid));
    this.#enter({ roots, pods: [...others, ...found] });
  }

  /** Pods of which a folder is missing that should be there by now or soon. */
  #expected(): readonly Pod[] {
    const byUid = new Map(this.#tree.pods.map((pod) => [pod.uid, pod]));
    return [...this.#pods.values(), ...this.#claims.values()].filter(
      (pod) => !this.#deleted.has(pod.cgroupUid) && lacksFolder(pod, byUid.get(pod.cgroupUid)),
    );
  }

  #pauseMs(): number {
    if (this.#options.runtime?.anyStarting() === true) return STARTING_MS;
    const now = this.#options.clock.monotonic();
    const ages = this.#expected().map((pod) => now - (this.#changedAt.get(pod.cgroupUid) ?? now));
    const youngest = Math.min(...ages);
    if (youngest < EXPECT_FOR_MS) return EXPECT_MS;
    return youngest < EXPECT_SLOWLY_FOR_MS ? EXPECT_SLOWLY_MS : SWEEP_MS;
  }

  #put(pod: Pod): void {
    const before = this.#claims.get(pod.uid) ?? this.#pods.get(pod.cgroupUid);
    if (before === undefined || startedIn(before) !== startedIn(pod)) {
      this.#changedAt.set(pod.cgroupUid, this.#options.clock.monotonic());
    }
    if (pod.cgroupUid === pod.uid || this.#pods.get(pod.cgroupUid)?.uid === pod.uid) {
      this.#accept(pod);
    } else {
      this.#claims.set(pod.uid, pod);
    }
  }

  #accept(pod: Pod): void {
    this.#pods.set(pod.cgroupUid, pod);
    this.#claims.delete(pod.uid);
    this.#deleted.delete(pod.cgroupUid);
  }

  /** Accepts the claims that are true; whether there was one. */
  #prove(): boolean {
    const proven = [...this.#claims.values()].sort(byAge).filter((pod) => {
      const holder = this.#pods.get(pod.cgroupUid);
      const free = holder === undefined || this.#deleted.has(pod.cgroupUid);
      const cgroup = this.#tree.pods.find(({ uid }) => uid === pod.cgroupUid);
      if (!free || cgroup === undefined || !runsIn(pod, cgroup)) return false;
      this.#accept(pod);
      return true;
    });
    return proven.length > 0;
  }

  #forget(uid: string): void {
    this.#pods.delete(uid);
    this.#deleted.delete(uid);
    this.#changedAt.delete(uid);
  }

  #enter(tree: CgroupTree): void {
    const changed = fingerprint(tree) !== fingerprint(this.#tree);
    this.#tree = tree;
    const proven = this.#prove();
    if (changed || proven) this.#publish();
  }

  /** Once for all changes of one turn: a list brings its pods one by one. */
  #publish(): void {
    if (this.#publishing) return;
    this.#publishing = true;
    queueMicrotask(() => {
      this.#publishing = false;
      this.#loop.wake();
      this.#options.onChange(this.snapshot());
    });
  }
}

function byAge(a: Pod, b: Pod): number {
  const [first, second] = [a, b].map(({ createdAt = "", uid }) => `${createdAt} ${uid}`);
  return first! < second! ? -1 : 1;
}

/** Whether kubelet reported a container of the pod that has its cgroup there. */
function runsIn(pod: Pod, cgroup: PodCgroup): boolean {
  const present = new Set(cgroup.containers.map(({ containerId }) => containerId));
  return pod.containers.some(({ running }) => present.has(bareContainerId(running?.id ?? "")));
}

/** The containers that kubelet has reported. */
function startedIn({ uid, containers }: Pod): string {
  return [uid, ...containers.map(({ running }) => `${running?.id} ${running?.live}`)].join();
}

function runs({ containers }: Pod): boolean {
  return containers.some(({ running }) => running?.live === true);
}

function lacksFolder(pod: Pod, cgroup: PodCgroup | undefined): boolean {
  if (pod.finished) return false;
  if (cgroup === undefined) return true;
  const present = new Set(cgroup.containers.map(({ containerId }) => containerId));
  return pod.containers.some(
    ({ running }) => running?.live === true && !present.has(bareContainerId(running.id)),
  );
}

/** Every cgroup and whose it is: equal for equal trees, whatever the order of a walk. */
function fingerprint({ roots, pods }: CgroupTree): string {
  const containers = pods.flatMap((pod) => pod.containers);
  return [
    ...roots.map(({ id, level }) => `root ${id} ${level}`),
    ...pods.map(({ id, uid, others }) => `pod ${id} ${uid} ${others.join()}`),
    ...containers.map(
      ({ id, containerId, nested, runtime }) =>
        `${id} ${containerId} ${nested.join()} ${JSON.stringify(runtime)}`,
    ),
  ]
    .sort()
    .join("\n");
}
