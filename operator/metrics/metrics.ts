import type { Outcome, QueueDepth, ReflectorState, ReflectorStep, Resource } from "@guardbee/kube";
import { rolloutStates } from "@guardbee/policy";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import manifest from "../package.json" with { type: "json" };
import { nodeStandings } from "../status/node-standing.ts";
import type { FleetCounts } from "./fleet-counts.ts";
import { resourceIn } from "./request-resource.ts";

const watchStates = ["listing", "watching", "waiting"] as const satisfies ReflectorState["kind"][];
const queueStates = ["later", "due", "active"] as const;
const outcomes = ["done", "after", "error"] as const;
export type ReconcileOutcome = Outcome["kind"] | "error";

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

/**
 * The operator's metrics, in a registry of their own: two operators in one process do not share
 * any. Labels take values from fixed lists, kinds and reasons; never names of objects.
 */
export class OperatorMetrics {
  readonly registry = new Registry();
  readonly #watchLists: Counter<"resource">;
  readonly #watchEnds: Counter<"resource" | "reason">;
  readonly #watchState: Gauge<"resource" | "state">;
  readonly #reconcileSeconds: Histogram<"queue">;
  readonly #reconciles: Counter<"queue" | "outcome">;
  readonly #requests: Counter<"verb" | "resource" | "code">;
  readonly #requestSeconds: Histogram<"verb">;
  readonly #evaluations: Counter<"rego" | "outcome">;
  /** Written by follow. */
  #sources: Sources | undefined;

  constructor() {
    const registers = [this.registry];
    const shared = <L extends string>(
      name: string,
      help: string,
      labelNames: readonly L[] = [],
    ) => ({
      ...{ name: `guardbee_${name}`, help, labelNames: [...labelNames], registers },
    });
    const seconds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
    new Gauge(shared("build_info", "1, for the version that runs.", ["version", "node"])).set(
      { version: manifest.version, node: process.versions.node },
      1,
    );
    this.#collected(
      shared("leader", "1 while this replica leads, and so writes; else 0."),
      (gauge, sources) => gauge.set(sources.leads() ? 1 : 0),
    );
    this.#watchState = new Gauge(
      shared("watch_state", "1 for the state that the watch of a resource is in.", [
        ...(["resource", "state"] as const),
      ]),
    );
    this.#watchLists = new Counter(
      shared("watch_lists_total", "Times that a resource was listed whole.", ["resource"]),
    );
    this.#watchEnds = new Counter(
      shared(
        "watch_ends_total",
        "Watches and lists that ended, by reason: closed is every few minutes, gone is 410.",
        ["resource", "reason"],
      ),
    );
    this.#collected(
      shared("queue_depth", "Keys of a work queue: to be worked on later, due, or active.", [
        ...(["queue", "state"] as const),
      ]),
      (gauge, { queues }) => {
        for (const [queue, one] of Object.entries(queues())) {
          const depth = one.depth();
          for (const state of queueStates) gauge.set({ queue, state }, depth[state]);
        }
      },
    );
    this.#collected(
      shared("queue_delay_seconds", "How long the key that is due the longest has waited.", [
        "queue",
      ]),
      (gauge, { queues }) => {
        for (const [queue, one] of Object.entries(queues())) {
          gauge.set({ queue }, one.depth().overdueMs / 1000);
        }
      },
    );
    this.#reconcileSeconds = new Histogram({
      ...shared("reconcile_duration_seconds", "Time of one reconciliation.", ["queue"]),
      buckets: seconds,
    });
    this.#reconciles = new Counter(
      shared("reconcile_total", "Reconciliations by outcome; after an error it is tried again.", [
        ...(["queue", "outcome"] as const),
      ]),
    );
    this.#requests = new Counter(
      shared(
        "api_requests_total",
        "Requests to the API server but watches; code is 2xx, an HTTP status, or failed.",
        ["verb", "resource", "code"],
      ),
    );
    this.#requestSeconds = new Histogram({
      ...shared("api_request_duration_seconds", "Time until the answer was read.", ["verb"]),
      buckets: seconds,
    });
    this.#collected(
      shared("nodes", "Nodes by how they stand over all their policies.", ["state"]),
      (gauge, { fleet }) => {
        const { nodes } = fleet();
        for (const state of nodeStandings) gauge.set({ state }, nodes.get(state) ?? 0);
      },
    );
    this.#collected(
      shared("policies", "Policies by kind and condition Ready, as their status says.", [
        ...(["kind", "ready", "reason"] as const),
      ]),
      (gauge, { fleet }) => {
        for (const { count, ...labels } of fleet().policies) gauge.set(labels, count);
      },
    );
    this.#collected(
      shared("rollouts", "Policies whose change goes out in waves, by the state of that.", [
        "state",
      ]),
      (gauge, { fleet }) => {
        const { rollouts } = fleet();
        for (const state of rolloutStates) gauge.set({ state }, rollouts.get(state) ?? 0);
      },
    );
    this.#evaluations = new Counter(
      shared(
        "rego_evaluations_total",
        "Evaluations of RegoPolicies by outcome: value, failed, or what ended them: deadline, memory, starved, crashed.",
        ["rego", "outcome"],
      ),
    );
    this.#collected(
      shared("rego_processes", "Processes that evaluate RegoPolicies now, by whose Rego.", [
        "rego",
      ]),
      (gauge, { rego }) => {
        for (const [of, { processCount }] of Object.entries(rego())) {
          gauge.set({ rego: of }, processCount);
        }
      },
    );
    this.#collected(
      shared("rego_process_memory_bytes", "Resident memory of those processes.", ["rego"]),
      (gauge, { rego }) => {
        for (const [of, { memoryBytes }] of Object.entries(rego())) {
          gauge.set({ rego: of }, memoryBytes);
        }
      },
    );
  }

  readonly evaluated = (rego: string, outcome: string): void => {
    this.#evaluations.inc({ rego, outcome });
  };

  /** What is counted from now on when Prometheus asks. */
  follow(sources: Sources): void {
    this.#sources = sources;
  }

  /** Adds the metrics of this process: memory, CPU, event loop, garbage collection. */
  collectProcess(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  readonly watchStep = (
    { plural: resource }: Resource,
    step: ReflectorStep,
    { kind }: ReflectorState,
  ): void => {
    for (const state of watchStates) {
      this.#watchState.set({ resource, state }, state === kind ? 1 : 0);
    }
    if (step.kind === "listed") this.#watchLists.inc({ resource });
    if (step.kind === "failed" || step.kind === "ended") {
      this.#watchEnds.inc({ resource, reason: step.cause.why });
    }
  };

  readonly request = (
    request: { readonly method?: string; readonly path: string },
    { code, seconds }: { readonly code: string | number; readonly seconds: number },
  ): void => {
    const verb = request.method ?? "GET";
    const resource = resourceIn(request.path);
    this.#requests.inc({ verb, resource, code: code === "ok" ? "2xx" : code });
    this.#requestSeconds.observe({ verb }, seconds);
  };

  /** The same work, timed and counted. */
  timed<A extends readonly unknown[]>(
    queue: string,
    work: (...args: A) => Promise<Outcome>,
  ): (...args: A) => Promise<Outcome> {
    for (const outcome of outcomes) this.#reconciles.inc({ queue, outcome }, 0);
    return async (...args) => {
      const end = this.#reconcileSeconds.startTimer({ queue });
      let outcome: ReconcileOutcome = "error";
      try {
        const result = await work(...args);
        outcome = result.kind;
        return result;
      } finally {
        end();
        this.#reconciles.inc({ queue, outcome });
      }
    };
  }

  #collected<L extends string>(
    options: { name: string; help: string; labelNames: L[]; registers: Registry[] },
    read: (gauge: Gauge<L>, sources: Sources) => void,
  ): void {
    const gauge: Gauge<L> = new Gauge({
      ...options,
      collect: () => {
        gauge.reset(); // what there is none of any more must not stay
        if (this.#sources !== undefined) read(gauge, this.#sources);
      },
    });
  }
}
