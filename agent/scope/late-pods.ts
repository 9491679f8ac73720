import { inScope, type Pod, setsIn } from "@guardbee/policy/sets";
import type { NamedSet } from "../engine.ts";
import type { PodCgroup } from "./cgroups.ts";
import type { NodeSnapshot } from "./resolve.ts";

/** Pods that came while no agent ran. */
export type Late = {
  /** Those that are there still. */
  readonly pods: number;
  /** By name, of sets that hold in some of them, and did not before they were known: in how many. */
  readonly sets: ReadonlyMap<string, number>;
};

export const noneLate: Late = { pods: 0, sets: new Map() };

/** Finds out, once, which pods came between an earlier agent and this one. */
export class LatePods {
  readonly #known: ReadonlySet<string>;
  readonly #assigned: ReadonlySet<bigint>;
  readonly #wasAgent: boolean;
  /** By cgroup. Written by the first `in`. */
  #late: ReadonlySet<bigint> | undefined;

  /**
   * What an earlier agent left on disk and in the kernel. Where there is neither, this is the first:
   * then no policy was in force, and none was late.
   */
  constructor(remembered: readonly Pod[] | undefined, assigned: ReadonlySet<bigint>) {
    this.#known = new Set(remembered?.map(({ cgroupUid }) => cgroupUid));
    this.#assigned = assigned;
    this.#wasAgent = remembered !== undefined || assigned.size > 0;
  }

  /** `snapshot`: of all cgroups of the node. The agent's own pod, where no policy holds, is not one. */
  in(sets: readonly NamedSet[], snapshot: NodeSnapshot, ownPodUid?: string): Late {
    const { pods, tree } = snapshot;
    const isLate = ({ id, uid }: PodCgroup) =>
      this.#wasAgent && !this.#known.has(uid) && !this.#assigned.has(id) && uid !== ownPodUid;
    this.#late ??= new Set(tree.pods.filter(isLate).map(({ id }) => id));
    const there = tree.pods.filter(({ id }) => this.#late?.has(id));
    if (there.length === 0) return noneLate;
    const byUid = new Map(pods.map((pod) => [pod.cgroupUid, pod]));
    const waiting = sets.filter(({ set }) => !inScope(set.scope, nobodyKnows));
    const counts = new Map<string, number>();
    for (const { uid } of there) {
      const pod = byUid.get(uid);
      if (pod === undefined) continue;
      const its = [undefined, ...pod.containers].flatMap((one) => setsIn(waiting, pod, one));
      for (const name of new Set(its)) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return { pods: there.length, sets: counts };
  }
}

const nobodyKnows = { kind: "pod", container: "unknown" } as const;
