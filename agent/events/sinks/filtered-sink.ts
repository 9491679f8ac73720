import type { AgentEvent } from "../event.ts";
import type { Sink, SinkStats } from "./sink.ts";

/** Gives another sink the events that pass; the others are counted, and are no loss. */
export class FilteredSink implements Sink {
  readonly name: string;
  readonly #inner: Sink;
  readonly #passes: (event: AgentEvent) => boolean;
  #filtered = 0;

  constructor(inner: Sink, passes: (event: AgentEvent) => boolean) {
    this.name = inner.name;
    this.#inner = inner;
    this.#passes = passes;
  }

  room(): Promise<void> | undefined {
    return this.#inner.room?.();
  }

  write(events: readonly AgentEvent[]): void {
    const passed = events.filter(this.#passes);
    this.#filtered += events.length - passed.length;
    // Sinks that get the same array share what an encoder made of it.
    if (passed.length > 0) this.#inner.write(passed.length === events.length ? events : passed);
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#inner.run(signal);
  }

  stats(): SinkStats {
    return { ...this.#inner.stats(), filtered: this.#filtered };
  }
}
