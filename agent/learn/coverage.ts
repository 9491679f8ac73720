import { stamp } from "@guardbee/kube";
import type { PolicyExecReport, SelectorSet } from "@guardbee/policy";
import { inScope, inSteps, type Pod, podPlace } from "@guardbee/policy/sets";
import { keyOf } from "./executables.ts";
import type { WorkloadRef } from "./observation.ts";

/** A policy that learns and that this node's kernel holds. */
export type LearningSet = { readonly name: string; readonly set: SelectorSet };

/** How much of a workload was seen. */
export type WorkloadCoverage = {
  readonly workload: WorkloadRef;
  readonly pods: number;
  readonly sinceStart: number;
  readonly starts: number;
  readonly lastStartTime?: string;
};

/** Starts of one workload so far. Its one writer is Coverage. */
type Starts = { count: number; lastMs: number };

/** What is known of one policy. The same. */
type Known = {
  /** Wall time, whole seconds. */
  readonly sinceMs: number;
  readonly starts: Map<string, Starts>;
  /** Ids of running containers whose start is in `starts`, or was before `sinceMs`. */
  counted: ReadonlySet<string>;
  /** What an earlier agent had counted up to: of containers from before it is not known which. */
  readonly restoredMs: ReadonlyMap<string, number>;
};

/**
 * Since when each policy learns on this node, which pods in its scope started after that, and how
 * often. A container that started before, or in the same second, was not seen from its first
 * instruction, and does not count.
 */
export class Coverage {
  /** By policy. Written by `follow` and `restore`. */
  readonly #known = new Map<string, Known>();
  /** Ids of containers that ran when an earlier agent looked last. */
  readonly #watched: ReadonlySet<string>;
  /** Of those that started while no agent ran, and whose execs may be lost. Written by the first `follow`. */
  #unwatched: ReadonlySet<string> | undefined;

  /** `remembered`: pods as an earlier agent saw them last. */
  constructor(remembered: readonly Pod[] = []) {
    this.#watched = new Set(idsIn(remembered));
  }

  /** What an earlier agent reported of a policy that the kernel has held ever since. */
  restore({ set, since, workloads }: PolicyExecReport): void {
    const sinceMs = Date.parse(since);
    if (Number.isNaN(sinceMs)) return;
    const starts = new Map<string, Starts>();
    const restoredMs = new Map<string, number>();
    for (const { starts: count = 0, lastStartTime, ...workload } of workloads) {
      if (count === 0) continue;
      const lastMs = Date.parse(lastStartTime ?? "") || sinceMs;
      starts.set(keyOf(workload), { count, lastMs });
      restoredMs.set(keyOf(workload), lastMs);
    }
    this.#known.set(set, { sinceMs, starts, counted: new Set(), restoredMs });
  }

  /** Takes the policies in force that learn, and the pods, as they are at `nowMs`, wall time. */
  follow(sets: readonly LearningSet[], pods: readonly Pod[], nowMs: number): void {
    this.#unwatched ??= new Set(idsIn(pods).filter((id) => !this.#watched.has(id)));
    const names = new Set(sets.map(({ name }) => name));
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name);
    for (const { name, set } of sets) {
      const known = this.#known.get(name) ?? beginning(nowMs);
      this.#known.set(name, known);
      countStarts(known, set, pods, this.#unwatched);
    }
  }

  /** RFC 3339; undefined: the policy does not learn here. */
  since(set: string): string | undefined {
    const known = this.#known.get(set);
    return known && stamp(known.sinceMs);
  }

  /** Of each workload that has pods here, or had some that started. */
  of({ name, set }: LearningSet, pods: readonly Pod[]): readonly WorkloadCoverage[] {
    const known = this.#known.get(name);
    if (known === undefined) return [];
    const found = new Map<string, { workload: WorkloadRef; pods: number; sinceStart: number }>();
    for (const pod of pods) {
      const containers = runningIn(set, pod);
      if (containers.length === 0) continue;
      const workload = refOf(pod);
      const key = keyOf(workload);
      const entry = found.get(key) ?? { workload, pods: 0, sinceStart: 0 };
      const isSeen = containers.every(
        ({ id, startedMs }) => startedMs > known.sinceMs && this.#unwatched?.has(id) !== true,
      );
      found.set(key, {
        workload,
        pods: entry.pods + 1,
        sinceStart: entry.sinceStart + (isSeen ? 1 : 0),
      });
    }
    return [...found].map(([key, entry]) => {
      const { count = 0, lastMs } = known.starts.get(key) ?? {};
      return {
        ...entry,
        starts: inSteps(count),
        ...(lastMs === undefined ? {} : { lastStartTime: stamp(lastMs) }),
      };
    });
  }
}

/** From the next whole second on: kubelet says of starts no more than the second. */
function beginning(nowMs: number): Known {
  const sinceMs = Math.ceil(nowMs / 1_000) * 1_000;
  return { sinceMs, starts: new Map(), counted: new Set(), restoredMs: new Map() };
}

function idsIn(pods: readonly Pod[]): readonly string[] {
  return pods.flatMap(({ containers }) =>
    containers.flatMap(({ running }) => (running?.live === true ? [running.id] : [])),
  );
}

function countStarts(
  known: Known,
  set: SelectorSet,
  pods: readonly Pod[],
  unwatched: ReadonlySet<string>,
): void {
  const now = new Set<string>();
  for (const pod of pods) {
    const key = keyOf(refOf(pod));
    for (const { id, startedMs } of runningIn(set, pod)) {
      now.add(id);
      if (known.counted.has(id) || unwatched.has(id) || !(startedMs > known.sinceMs)) continue;
      if (startedMs <= (known.restoredMs.get(key) ?? 0)) continue;
      const starts = known.starts.get(key) ?? { count: 0, lastMs: 0 };
      starts.count += 1;
      starts.lastMs = Math.max(starts.lastMs, startedMs);
      known.starts.set(key, starts);
    }
  }
  known.counted = now;
}

type Running = { readonly id: string; readonly startedMs: number };

/** The pod's containers that run now and in which the policy holds; without a time they started never. */
function runningIn({ scope }: SelectorSet, pod: Pod): readonly Running[] {
  if (pod.finished) return [];
  return pod.containers.flatMap((container) => {
    const { running } = container;
    if (running?.live !== true || !inScope(scope, podPlace(pod, container))) return [];
    return [{ id: running.id, startedMs: Date.parse(running.startedAt ?? "") }];
  });
}

function refOf({ namespace, workload: { kind, name } }: Pod): WorkloadRef {
  return { namespace, kind, name };
}
