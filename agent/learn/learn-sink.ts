import { setTimeout } from "node:timers/promises";
import { orAborted, untilAborted } from "@guardbee/kube";
import type { AgentEvent } from "../events/event.ts";
import type { Sink, SinkStats } from "../events/sinks/sink.ts";
import {
  nodeItself,
  type Observation,
  observationOf,
  type Unplaced,
  type WorkloadRef,
} from "./observation.ts";

/** So many wait until it is known whose they were; then the oldest are the node's. */
const mostUnplaced = 1_024;
/** So often, a second apart, it is asked; what is in no pod's cgroup then is the node's. */
const mostTries = 30;

type Waiting = { readonly seen: Unplaced; tries: number };

/** Takes from the events what policies that learn do not name. */
export class LearnSink implements Sink {
  readonly name = "learn";
  readonly #observe: (observation: Observation) => void;
  readonly #workloadIn: (cgroupId: bigint) => WorkloadRef | undefined;
  /** Oldest first. Written by `write` and `retry`. */
  #unplaced: Waiting[] = [];
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

  /** More pods may be known. To be called about every second. */
  retry(): void {
    this.#unplaced = this.#unplaced.filter((one) => {
      one.tries += 1;
      if (this.#place(one.seen)) return false;
      if (one.tries < mostTries) return true;
      this.#ofNode(one);
      return false;
    });
  }

  write(events: readonly AgentEvent[]): void {
    for (const event of events) {
      const observation = observationOf(event);
      if (observation === undefined) this.#others += 1;
      else {
        this.#observed += 1;
        if ("workload" in observation) this.#observe(observation);
        else if (!this.#place(observation)) {
          this.#unplaced.push({ seen: observation, tries: 0 });
          if (this.#unplaced.length > mostUnplaced) this.#ofNode(this.#unplaced.shift()!);
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

  #ofNode({ seen: { cgroupId: _, ...seen } }: Waiting): void {
    this.#observe({ ...seen, workload: nodeItself });
  }

  async run(signal: AbortSignal): Promise<void> {
    await untilAborted(signal, async (each) => {
      for (;;) {
        await orAborted(setTimeout(1_000, undefined, { ref: false }), each);
        this.retry();
      }
    });
  }

  stats(): SinkStats {
    return {
      ...{ delivered: this.#observed, bytes: 0, waiting: 0, filtered: this.#others },
      dropped: { closed: 0, backlog: 0, error: 0 },
    };
  }
}
