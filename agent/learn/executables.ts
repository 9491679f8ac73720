import type { ReportedExecutable } from "@guardbee/policy";
import { execReportBounds, inSteps } from "@guardbee/policy/sets";
import type { Observation, WorkloadRef } from "./observation.ts";

/** What is kept of one executable of one workload. Its one writer is Executables. */
type Seen = {
  readonly parents: Set<string>;
  count: number;
  denied: boolean;
  /** Each time. */
  fromImage: boolean;
};

/** What is kept of one workload of one policy. The same. */
type Kept = {
  readonly workload: WorkloadRef;
  readonly byPath: Map<string, Seen>;
  omitted: number;
  /** About what its report takes. */
  bytes: number;
};

/** A report as it stands: enough for 200 names of programs, and no more for those that make up long ones. */
const workloadBytes = 24 << 10;
/** Below what an object may have (etcd: 1.5 MiB): forty workloads that use all of theirs. */
const nodeBytes = 1 << 20;
/** What an entry, and one of its parents, has beside its text. */
const besidesBytes = { entry: 64, parent: 8 } as const;

/** Programs of one workload, as a report has them. */
export type ReportedPrograms = {
  readonly workload: WorkloadRef;
  readonly executables: readonly ReportedExecutable[];
  readonly omitted: number;
};

/**
 * Which executables ran that policies did not name, by policy and workload. Whatever runs, it is
 * bounded: each workload has its own room, and what does not fit is counted there. What was there
 * first stays, so that a report does not change with what comes later.
 */
export class Executables {
  /** By policy, then by workload. Written by `#kept`, `keep` and `restore`. */
  readonly #policies = new Map<string, Map<string, Kept>>();
  /** About what a report of all takes. Written by `#takeRoom` and `keep`. */
  #bytes = 0;

  /** Enters what ran; true: a report says something else now. */
  add({ set, workload, path, parent, fromImage, denied }: Observation): boolean {
    const kept = this.#kept(set, workload);
    if (kept === undefined) return false;
    const seen = path === undefined ? undefined : this.#seen(kept, path);
    if (seen === undefined) {
      kept.omitted += 1;
      return inSteps(kept.omitted) !== inSteps(kept.omitted - 1);
    }
    seen.count += 1;
    const isNewParent = parent !== undefined && this.#addParent(kept, seen, parent);
    const isNews = (denied && !seen.denied) || (seen.fromImage && !fromImage);
    seen.denied ||= denied;
    seen.fromImage &&= fromImage;
    return isNewParent || isNews || inSteps(seen.count) !== inSteps(seen.count - 1);
  }

  /** What an earlier agent reported, for what was not seen since. */
  restore(set: string, { workload, executables, omitted }: ReportedPrograms): void {
    const kept = this.#kept(set, workload);
    if (kept === undefined) return;
    kept.omitted = Math.max(kept.omitted, omitted);
    for (const { path, parents = [], count, denied = false, fromImage = false } of executables) {
      const seen = this.#seen(kept, path);
      if (seen === undefined) continue;
      seen.count += count;
      seen.denied ||= denied;
      seen.fromImage &&= fromImage;
      for (const parent of parents) this.#addParent(kept, seen, parent);
    }
  }

  /** Forgets policies that do not learn here any more. */
  keep(sets: ReadonlySet<string>): void {
    for (const [set, workloads] of this.#policies) {
      if (sets.has(set)) continue;
      for (const { bytes } of workloads.values()) this.#bytes -= bytes;
      this.#policies.delete(set);
    }
  }

  /** Of one policy, each workload of which something ran. */
  of(set: string): readonly ReportedPrograms[] {
    return [...(this.#policies.get(set)?.values() ?? [])].map(({ workload, byPath, omitted }) => ({
      workload,
      executables: [...byPath]
        .map(([path, { parents, count, denied, fromImage }]) => ({
          path,
          ...(fromImage ? { fromImage } : {}),
          ...(parents.size === 0 ? {} : { parents: [...parents].sort() }),
          count: inSteps(count),
          ...(denied ? { denied } : {}),
        }))
        .sort((a, b) => (a.path < b.path ? -1 : 1)),
      omitted: inSteps(omitted),
    }));
  }

  #kept(set: string, workload: WorkloadRef): Kept | undefined {
    const workloads = this.#policies.get(set) ?? new Map<string, Kept>();
    const key = keyOf(workload);
    const there = workloads.get(key);
    if (there !== undefined) return there;
    if (workloads.size >= execReportBounds.workloads) return undefined;
    const kept = { workload, byPath: new Map(), omitted: 0, bytes: 0 };
    this.#policies.set(set, workloads.set(key, kept));
    return kept;
  }

  /** undefined: there is no room for it. */
  #seen(kept: Kept, path: string): Seen | undefined {
    const there = kept.byPath.get(path);
    if (there !== undefined) return there;
    if (kept.byPath.size >= execReportBounds.executables) return undefined;
    if (!this.#takeRoom(kept, Buffer.byteLength(path) + besidesBytes.entry)) return undefined;
    const seen = { parents: new Set<string>(), count: 0, denied: false, fromImage: true };
    kept.byPath.set(path, seen);
    return seen;
  }

  #addParent(kept: Kept, { parents }: Seen, parent: string): boolean {
    if (parents.has(parent) || parents.size >= execReportBounds.parents) return false;
    if (!this.#takeRoom(kept, Buffer.byteLength(parent) + besidesBytes.parent)) return false;
    parents.add(parent);
    return true;
  }

  #takeRoom(kept: Kept, bytes: number): boolean {
    if (kept.bytes + bytes > workloadBytes || this.#bytes + bytes > nodeBytes) return false;
    kept.bytes += bytes;
    this.#bytes += bytes;
    return true;
  }
}

/** The same for the same workload. Names have no blank in them. */
export function keyOf({ namespace = "", kind, name }: WorkloadRef): string {
  return `${namespace} ${kind} ${name}`;
}
