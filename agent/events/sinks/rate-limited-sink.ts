import { type Clock, untilAborted } from "@guardbee/kube";
import { type AgentEvent, droppedEvent, isUrgent } from "../event.ts";
import type { Sink, SinkStats } from "./sink.ts";

/**
 * Gives another sink so many events a minute, and up to so many at once. What tells of a stop always
 * passes. The others beyond are dropped and counted, and once a minute the sink is told how many.
 */
export class RateLimitedSink implements Sink {
  readonly name: string;
  readonly #inner: Sink;
  readonly #perMinute: number;
  readonly #clock: Clock;
  /** How many may pass now, as of `#atMs`. */
  #tokens: number;
  #atMs: number;
  #dropped = 0;
  /** Of `#dropped`, those that the sink was told of. */
  #said = 0;
  #told = 0;

  constructor(inner: Sink, perMinute: number, clock: Clock) {
    this.name = inner.name;
    this.#inner = inner;
    this.#perMinute = perMinute;
    this.#clock = clock;
    this.#tokens = perMinute;
    this.#atMs = clock.monotonic();
  }

  room(): Promise<void> | undefined {
    return this.#inner.room?.();
  }

  write(events: readonly AgentEvent[]): void {
    this.#refill();
    const passed = events.filter((event) => this.#passes(event));
    this.#dropped += events.length - passed.length;
    if (passed.length > 0) this.#inner.write(passed.length === events.length ? events : passed);
  }

  async run(signal: AbortSignal): Promise<void> {
    const tell = () => this.#tell();
    signal.addEventListener("abort", tell, { once: true }); // first, or the sink is at its end
    const ended = new AbortController();
    const telling = untilAborted(AbortSignal.any([signal, ended.signal]), async (each) => {
      for (;;) {
        await this.#clock.sleep(minuteMs, each);
        this.#tell();
      }
    });
    try {
      await this.#inner.run(signal);
    } finally {
      signal.removeEventListener("abort", tell);
      ended.abort();
      await telling;
    }
  }

  stats(): SinkStats {
    const stats = this.#inner.stats();
    const dropped = { ...stats.dropped, rateLimit: this.#dropped };
    return { ...stats, dropped, told: this.#told };
  }

  #passes(event: AgentEvent): boolean {
    const has = this.#tokens >= 1;
    if (has) this.#tokens--;
    return has || isUrgent(event);
  }

  #refill(): void {
    const now = this.#clock.monotonic();
    const more = ((now - this.#atMs) * this.#perMinute) / minuteMs;
    this.#tokens = Math.min(this.#perMinute, this.#tokens + more);
    this.#atMs = now;
  }

  #tell(): void {
    const count = this.#dropped - this.#said;
    if (count === 0) return;
    this.#said = this.#dropped;
    this.#told++;
    this.#inner.write([droppedEvent(count, this.#clock.now())]);
  }
}

const minuteMs = 60_000;
