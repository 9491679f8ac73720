import { orAborted, untilAborted } from "@guardbee/kube";
import type { AgentEvent } from "../events/event.ts";
import type { Sink, SinkStats } from "../events/sinks/sink.ts";
import { type Observation, observationOf, type Unplaced, type WorkloadRef } from "./observation.ts";

/** So many wait until it is known whose they were; then the oldest are forgotten. */
const mostUnplaced = 1_024;

/** Takes from the events what policies that learn do not name. */
export class LearnSink implements Sink {
  readonly name = "learn";
  readonly #observe: (observation: Observation) => void;
  readonly #workloadIn: (cgroupId: bigint) => WorkloadRef | undefined;
  /** Oldest first. Written by `write` and `retry`. */
  #unplaced: readonly Unplaced[] = [];
  /** Both written by `write`. */
  #observed = 0;
  #others = 0;

  constructor(
    observe: (observation: Observation) => void,
    workloadIn: (cgroupId: bigint) => WorkloadRef | undefined,
  ) {
    this.#observe = observe;
    this.#workloadIn = workloadIn;
  }

  /** More pods may be known. */
  retry(): void {
    this.#unplaced = this.#unplaced.filter((one) => !this.#place(one));
  }

  write(events: readonly AgentEvent[]): void {
    for (const event of events) {
      const observation = observationOf(event);
      if (observation === undefined) this.#others += 1;
      else {
        this.#observed += 1;
        if ("workload" in observation) this.#observe(observation);
        else if (!this.#place(observation)) {
          this.#unplaced = [...this.#unplaced, observation].slice(-mostUnplaced);
        }
      }
    }
  }

  /** Whether it is known whose it was. */
  #place({ cgroupId, ...seen }: Unplaced): boolean {
    const workload = this.#workloadIn(cgroupId);
    if (workload === undefined) return false;
    this.#observe({ ...seen, workload });
    return true;
  }

  async run(signal: AbortSignal): Promise<void> {
    await untilAborted(signal, (each) => orAborted(new Promise<never>(() => {}), each));
  }

  stats(): SinkStats {
    return {
      ...{ delivered: this.#observed, bytes: 0, waiting: 0, filtered: this.#others },
      dropped: { closed: 0, backlog: 0, error: 0 },
    };
  }
}
