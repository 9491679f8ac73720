import type { QueueDepth, ReflectorState } from "@guardbee/kube";
import { rolloutStates } from "@guardbee/policy";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import manifest from "../package.json" with { type: "json" };
import { nodeStandings } from "../status/node-standing.ts";
import type { FleetCounts } from "./fleet-counts.ts";

export const watchStates = [
  "listing",
  "watching",
  "waiting",
] as const satisfies ReflectorState["kind"][];
const queueStates = ["later", "due", "active"] as const;
const seconds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What is read when Prometheus asks, because nobody is told when it changes. */
export type Sources = {
  readonly queues: () => Readonly<Record<string, { depth(): QueueDepth }>>;
  readonly leads: () => boolean;
  readonly fleet: () => FleetCounts;
  /** Processes that evaluate Rego of RegoPolicies, by whose Rego. */
  readonly rego: () => Readonly<
    Record<string, { readonly processCount: number; readonly memoryBytes: number }>
  >;
};

/** Adds metrics to one registry; gauges that are read when Prometheus asks read `sources`. */
export class Definitions {
  readonly #registry: Registry;
  readonly #sources: () => Sources | undefined;

  constructor(registry: Registry, sources: () => Sources | undefined) {
    this.#registry = registry;
    this.#sources = sources;
  }

  options<L extends string>(name: string, help: string, labelNames: readonly L[] = []) {
    const registers = [this.#registry];
    return { name: `guardbee_${name}`, help, labelNames: [...labelNames], registers };
  }

  collected<L extends string>(
    [name, help, ...labelNames]: readonly [name: string, help: string, ...labelNames: L[]],
    read: (gauge: Gauge<L>, sources: Sources) => void,
  ): void {
    const gauge: Gauge<L> = new Gauge({
      ...this.options(name, help, labelNames),
      collect: () => {
        gauge.reset(); // what there is none of any more must not stay
        const sources = this.#sources();
        if (sources !== undefined) read(gauge, sources);
      },
    });
  }
}

export function defineReplica(define: Definitions): void {
  const build = define.options("build_info", "1, for the version that runs.", ["version", "node"]);
  new Gauge(build).set({ version: manifest.version, node: process.versions.node }, 1);
  define.collected(
    ["leader", "1 while this replica leads, and so writes; else 0."],
    (gauge, sources) => gauge.set(sources.leads() ? 1 : 0),
  );
}

export function defineWatches(define: Definitions) {
  return {
    state: new Gauge(
      define.options("watch_state", "1 for the state that the watch of a resource is in.", [
        ...(["resource", "state"] as const),
      ]),
    ),
    lists: new Counter(
      define.options("watch_lists_total", "Times that a resource was listed whole.", ["resource"]),
    ),
    ends: new Counter(
      define.options(
        "watch_ends_total",
        "Watches and lists that ended, by reason: closed is every few minutes, gone is 410.",
        ["resource", "reason"],
      ),
    ),
  };
}

export function defineQueues(define: Definitions) {
  define.collected(
    [
      "queue_depth",
      "Keys of a work queue: to be worked on later, due, or active.",
      ...(["queue", "state"] as const),
    ],
    (gauge, { queues }) => {
      for (const [queue, one] of Object.entries(queues())) {
        const depth = one.depth();
        for (const state of queueStates) gauge.set({ queue, state }, depth[state]);
      }
    },
  );
  define.collected(
    ["queue_delay_seconds", "How long the key that is due the longest has waited.", "queue"],
    (gauge, { queues }) => {
      for (const [queue, one] of Object.entries(queues())) {
        gauge.set({ queue }, one.depth().overdueMs / 1000);
      }
    },
  );
  return {
    seconds: new Histogram({
      ...define.options("reconcile_duration_seconds", "Time of one reconciliation.", ["queue"]),
      buckets: seconds,
    }),
    reconciles: new Counter(
      define.options(
        "reconcile_total",
        "Reconciliations by outcome; after an error it is tried again.",
        ["queue", "outcome"],
      ),
    ),
  };
}

export function defineRequests(define: Definitions) {
  return {
    count: new Counter(
      define.options(
        "api_requests_total",
        "Requests to the API server but watches; code is 2xx, an HTTP status, or failed.",
        ["verb", "resource", "code"],
      ),
    ),
    seconds: new Histogram({
      ...define.options("api_request_duration_seconds", "Time until the answer was read.", [
        "verb",
      ]),
      buckets: seconds,
    }),
  };
}

export function defineFleet(define: Definitions): void {
  define.collected(
    ["nodes", "Nodes by how they stand over all their policies.", "state"],
    (gauge, { fleet }) => {
      const { nodes } = fleet();
      for (const state of nodeStandings) gauge.set({ state }, nodes.get(state) ?? 0);
    },
  );
  define.collected(
    [
      "policies",
      "Policies by kind and condition Ready, as their status says.",
      ...(["kind", "ready", "reason"] as const),
    ],
    (gauge, { fleet }) => {
      for (const { count, ...labels } of fleet().policies) gauge.set(labels, count);
    },
  );
  define.collected(
    ["rollouts", "Policies whose change goes out in waves, by the state of that.", "state"],
    (gauge, { fleet }) => {
      const { rollouts } = fleet();
      for (const state of rolloutStates) gauge.set({ state }, rollouts.get(state) ?? 0);
    },
  );
}

export function defineRego(define: Definitions) {
  const evaluations = new Counter(
    define.options(
      "rego_evaluations_total",
      "Evaluations of RegoPolicies by outcome: value, failed, or what ended them: deadline, memory, starved, crashed.",
      ["rego", "outcome"],
    ),
  );
  define.collected(
    ["rego_processes", "Processes that evaluate RegoPolicies now, by whose Rego.", "rego"],
    (gauge, { rego }) => {
      for (const [of, { processCount }] of Object.entries(rego())) {
        gauge.set({ rego: of }, processCount);
      }
    },
  );
  define.collected(
    ["rego_process_memory_bytes", "Resident memory of those processes.", "rego"],
    (gauge, { rego }) => {
      for (const [of, { memoryBytes }] of Object.entries(rego())) {
        gauge.set({ rego: of }, memoryBytes);
      }
    },
  );
  return { evaluations };
}
