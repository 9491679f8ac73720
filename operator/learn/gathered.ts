import {
  execProposalBounds,
  execReportBounds,
  type PolicyExecReport,
  type ReportedExecutable,
  type WorkloadExecReport,
} from "@guardbee/policy";

/** One executable, as all nodes report it. Its one writer is Gathered. */
export type GatheredExecutable = {
  readonly parents: Set<string>;
  readonly workloads: Set<string>;
  /** Place in the reports that have it, the first of them: who says much does not push out others. */
  rank: number;
  nodes: number;
  count: number;
  denied: boolean;
  fromImage: boolean | undefined;
};

/** More than a proposal has, so that what is cut is what the rank says. */
const keptMost = 4 * execProposalBounds.executables;
/** What one node may say of the pods of one workload. */
const podsMost = 1_000;
const countMost = 1_000_000_000;

/** What nodes report of one policy, folded as reports are read: none of them is kept. */
export class Gathered {
  readonly #namespace: string | undefined;
  /** By path. Written by `#addExecutable` and `#prune`. */
  readonly executables = new Map<string, GatheredExecutable>();
  /** The rest is written by `add`. */
  omitted = 0;
  pods = 0;
  sinceStart = 0;
  starts = 0;
  /** Wall time, in ms; Infinity: no node learns. */
  sinceMs = Number.POSITIVE_INFINITY;

  /** `namespace` of the policy: nothing of others is its concern. */
  constructor(namespace?: string) {
    this.#namespace = namespace;
  }

  /** Takes what one node says. */
  add({ since, workloads }: PolicyExecReport): void {
    this.sinceMs = Math.min(this.sinceMs, Date.parse(since) || Number.POSITIVE_INFINITY);
    const own = workloads.filter(
      ({ namespace }) => this.#namespace === undefined || namespace === this.#namespace,
    );
    const seen = new Set<string>();
    own.forEach((workload, i) => {
      const { pods = 0, sinceStart = 0, starts = 0, omitted = 0, executables = [] } = workload;
      this.pods += Math.min(pods, podsMost);
      this.sinceStart += Math.min(sinceStart, pods, podsMost);
      this.starts = Math.min(this.starts + starts, countMost);
      this.omitted = Math.min(this.omitted + omitted, countMost);
      executables.forEach((executable, j) => {
        const rank = j * own.length + i; // each workload's first, then each one's second
        this.#addExecutable(executable, {
          rank,
          workload: nameOf(workload, this.#namespace),
          seen,
        });
      });
    });
    if (this.executables.size > keptMost) this.#prune();
  }

  #addExecutable(
    { path, parents = [], count, denied = false, fromImage }: ReportedExecutable,
    {
      rank,
      workload,
      seen,
    }: { readonly rank: number; readonly workload: string; readonly seen: Set<string> },
  ): void {
    const there = this.executables.get(path);
    const one = there ?? {
      ...{ parents: new Set<string>(), workloads: new Set<string>() },
      ...{ rank, nodes: 0, count: 0, denied: false, fromImage },
    };
    one.rank = Math.min(one.rank, rank);
    one.count = Math.min(one.count + count, countMost);
    one.denied ||= denied;
    if (one.fromImage !== fromImage) one.fromImage = undefined;
    if (!seen.has(path)) one.nodes += 1;
    seen.add(path);
    if (one.workloads.size < execProposalBounds.workloads) one.workloads.add(workload);
    for (const parent of parents) {
      if (one.parents.size < execReportBounds.parents) one.parents.add(parent);
    }
    this.executables.set(path, one);
  }

  #prune(): void {
    const last = byRank(this.executables).slice(keptMost / 2);
    for (const [path, { count }] of last) {
      this.executables.delete(path);
      this.omitted = Math.min(this.omitted + count, countMost);
    }
  }
}

/** Those first that stand first in some report. */
export function byRank(
  executables: ReadonlyMap<string, GatheredExecutable>,
): readonly (readonly [path: string, GatheredExecutable])[] {
  return [...executables].sort(([a, one], [b, other]) => one.rank - other.rank || (a < b ? -1 : 1));
}

function nameOf({ namespace, kind, name }: WorkloadExecReport, within: string | undefined): string {
  return namespace === undefined || within !== undefined
    ? `${kind}/${name}`
    : `${namespace}/${kind}/${name}`;
}
