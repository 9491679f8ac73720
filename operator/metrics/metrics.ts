import type { Outcome, ReflectorState, ReflectorStep, Resource } from "@guardbee/kube";
import { collectDefaultMetrics, Registry } from "prom-client";
import {
  Definitions,
  defineFleet,
  defineQueues,
  defineRego,
  defineReplica,
  defineRequests,
  defineWatches,
  type Sources,
  watchStates,
} from "./definitions.ts";
import { resourceIn } from "./request-resource.ts";

const outcomes = ["done", "after", "error"] as const;
export type ReconcileOutcome = Outcome["kind"] | "error";

/**
 * The operator's metrics, in a registry of their own: two operators in one process do not share
 * any. Labels take values from fixed lists, kinds and reasons; never names of objects.
 */
export class OperatorMetrics {
  readonly registry = new Registry();
  readonly #watches: ReturnType<typeof defineWatches>;
  readonly #queues: ReturnType<typeof defineQueues>;
  readonly #requests: ReturnType<typeof defineRequests>;
  readonly #rego: ReturnType<typeof defineRego>;
  /** Written by follow. */
  #sources: Sources | undefined;

  constructor() {
    const define = new Definitions(this.registry, () => this.#sources);
    defineReplica(define);
    this.#watches = defineWatches(define);
    this.#queues = defineQueues(define);
    this.#requests = defineRequests(define);
    defineFleet(define);
    this.#rego = defineRego(define);
  }

  readonly evaluated = (rego: string, outcome: string): void => {
    this.#rego.evaluations.inc({ rego, outcome });
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
      this.#watches.state.set({ resource, state }, state === kind ? 1 : 0);
    }
    if (step.kind === "listed") this.#watches.lists.inc({ resource });
    if (step.kind === "failed" || step.kind === "ended") {
      this.#watches.ends.inc({ resource, reason: step.cause.why });
    }
  };

  readonly request = (
    request: { readonly method?: string; readonly path: string },
    { code, seconds }: { readonly code: string | number; readonly seconds: number },
  ): void => {
    const verb = request.method ?? "GET";
    const resource = resourceIn(request.path);
    this.#requests.count.inc({ verb, resource, code: code === "ok" ? "2xx" : code });
    this.#requests.seconds.observe({ verb }, seconds);
  };

  /** The same work, timed and counted. */
  timed<A extends readonly unknown[]>(
    queue: string,
    work: (...args: A) => Promise<Outcome>,
  ): (...args: A) => Promise<Outcome> {
    for (const outcome of outcomes) this.#queues.reconciles.inc({ queue, outcome }, 0);
    return async (...args) => {
      const end = this.#queues.seconds.startTimer({ queue });
      let outcome: ReconcileOutcome = "error";
      try {
        const result = await work(...args);
        outcome = result.kind;
        return result;
      } finally {
        end();
        this.#queues.reconciles.inc({ queue, outcome });
      }
    };
  }
}
