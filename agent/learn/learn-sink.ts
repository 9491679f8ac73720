import { orAborted, untilAborted } from "@guardbee/kube";
import type { AgentEvent } from "../events/event.ts";
import type { Sink, SinkStats } from "../events/sinks/sink.ts";
import { type Observation, observationOf } from "./observation.ts";

/** Takes from the events what policies that learn do not name. */
export class LearnSink implements Sink {
  readonly name = "learn";
  readonly #observe: (observation: Observation) => void;
  /** Both written by `write`. */
  #observed = 0;
  #others = 0;

  constructor(observe: (observation: Observation) => void) {
    this.#observe = observe;
  }

  write(events: readonly AgentEvent[]): void {
    for (const event of events) {
      const observation = observationOf(event);
      if (observation === undefined) this.#others += 1;
      else {
        this.#observed += 1;
        this.#observe(observation);
      }
    }
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
