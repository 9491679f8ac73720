import { isDeepStrictEqual } from "node:util";
import {
  applyObject,
  type Clock,
  getObject,
  type KubeConnection,
  Loop,
  type NextStep,
  resources,
} from "@guardbee/kube";
import type { NodeExecReport } from "@guardbee/policy";
import { type Pod, parseExecReport, resourceOf } from "@guardbee/policy/sets";
import type { Logger } from "pino";
import type { Sink } from "../events/sinks/sink.ts";
import type { PodLookup } from "../scope/pod-container.ts";
import { Coverage, type LearningSet } from "./coverage.ts";
import { Executables } from "./executables.ts";
import { LearnSink } from "./learn-sink.ts";
import { workloadRef } from "./observation.ts";
import { execReport } from "./report.ts";

export type LearningOptions = {
  readonly connection: KubeConnection;
  readonly nodeName: string;
  /** What the node is to hold and learns, and what of that is in force; undefined: not known yet. */
  readonly sets: () =>
    | { readonly wanted: Names; readonly inForce: readonly LearningSet[] }
    | undefined;
  readonly pods: () => readonly Pod[];
  readonly podIn: PodLookup;
  /** Pods as an earlier agent saw them last; undefined: there was none. */
  readonly remembered: readonly Pod[] | undefined;
  /** Policies of an earlier agent stayed in force until this one went on with them. */
  readonly adopted: boolean;
  /** A report waits up to this long more, so that a fleet does not write at once. */
  readonly jitterMs: () => number;
  /** In [0,1). */
  readonly random: () => number;
  readonly clock: Clock;
  readonly log: Logger;
};

type Names = ReadonlySet<string>;

/** Between two reports: while one follows another it doubles up to the second. */
const PACE_MS = { first: 5_000, most: 300_000 } as const;
const FIELD_MANAGER = "guardbee-agent";
const kind = resourceOf("NodeExecReport");

/**
 * What this node learns, and its NodeExecReport: read once, when the first policy learns, so that a
 * restart of the agent forgets nothing that was reported, and written when it changes.
 */
export class Learning {
  readonly #options: LearningOptions;
  readonly #loop: Loop;
  readonly #executables = new Executables();
  readonly #coverage: Coverage;
  /** What the API server has; undefined: it was not asked yet. Written by `#load` and `#write`. */
  #written: NodeExecReport | undefined;
  /** When (monotonic), and how long after it the next may follow. Written by `#write`. */
  #pace = { atMs: Number.NEGATIVE_INFINITY, waitMs: PACE_MS.first as number };
  /** Takes the events. */
  readonly sink: Sink;

  constructor(options: LearningOptions) {
    const { random, clock, log } = options;
    this.#options = options;
    this.#coverage = new Coverage(options.remembered);
    this.sink = new LearnSink(
      (observation) => {
        if (this.#executables.add(observation)) this.#loop.wake();
      },
      (cgroupId) => {
        const container = options.podIn.byCgroup(cgroupId);
        return container && workloadRef(container);
      },
    );
    this.#loop = new Loop({
      step: (signal) => this.#step(signal),
      failure: "what is learned cannot be reported",
      wakeEndsBackOff: false,
      ...{ random, clock, log },
    });
  }

  /** Policies or pods may have changed. */
  follow(): void {
    if (this.#written !== undefined) this.#take();
    this.#loop.wake();
  }

  /** Reports until `signal` aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#loop.run(signal);
  }

  async #step(signal: AbortSignal): Promise<NextStep> {
    const { sets, clock, jitterMs, random } = this.#options;
    const known = sets();
    if (known === undefined) return {};
    if (this.#written === undefined) {
      if (known.inForce.length === 0) return {}; // a fleet that learns nothing asks nothing
      await this.#load(signal);
    }
    if (isDeepStrictEqual(this.#take(), this.#written)) return {};
    const dueMs = Math.max(this.#pace.atMs + this.#pace.waitMs - clock.monotonic(), 0);
    await clock.sleep(dueMs + jitterMs() * random(), signal);
    await this.#write(signal);
    return { againInMs: 0 }; // it may differ again by now
  }

  /** What there is to report now; undefined: nobody knows. */
  #take(): NodeExecReport | undefined {
    const { sets, pods, clock } = this.#options;
    const known = sets();
    if (known === undefined) return this.#written;
    this.#executables.keep(known.wanted);
    this.#coverage.follow(known.inForce, pods(), clock.now());
    const parts = { executables: this.#executables, coverage: this.#coverage };
    return execReport(known.inForce, pods(), parts);
  }

  async #load(signal: AbortSignal): Promise<void> {
    const { connection, nodeName, adopted, log } = this.#options;
    const there = await getObject(connection, kind, { name: nodeName }, signal);
    const parsed = parseExecReport(there ?? {});
    if (!parsed.ok) log.warn({ problems: parsed.problems }, "the last report cannot be read");
    const report = parsed.ok ? parsed.value : { policies: [] };
    for (const policy of report.policies) {
      if (adopted) this.#coverage.restore(policy);
      for (const { namespace, kind: of, name, executables = [], omitted = 0 } of policy.workloads) {
        const workload = { ...(namespace === undefined ? {} : { namespace }), kind: of, name };
        this.#executables.restore(policy.set, { workload, executables, omitted });
      }
    }
    this.#written = report;
  }

  async #write(signal: AbortSignal): Promise<void> {
    const { connection, nodeName: name, clock, log } = this.#options;
    const report = this.#take(); // again: it may have changed, or changed back, while waiting
    if (report === undefined || isDeepStrictEqual(report, this.#written)) return;
    const node = await getObject(connection, resources.node, { name }, signal);
    const owner = { apiVersion: "v1", kind: "Node", name, uid: node?.metadata.uid ?? "" };
    const metadata = {
      name,
      labels: { "app.kubernetes.io/managed-by": FIELD_MANAGER },
      ...(node === undefined ? {} : { ownerReferences: [owner] }),
    };
    const target = { resource: kind, object: { metadata, ...report } };
    // Force: no other manager may hold a field of this report.
    await applyObject(connection, target, { fieldManager: FIELD_MANAGER, force: true }, signal);
    this.#written = report;
    const nowMs = clock.monotonic();
    const { atMs, waitMs } = this.#pace;
    const follows = nowMs - atMs <= 2 * waitMs;
    const next = follows ? Math.min(2 * waitMs, PACE_MS.most) : PACE_MS.first;
    this.#pace = { atMs: nowMs, waitMs: next };
    log.info({ policies: report.policies.length }, "what was learned is reported");
  }
}
