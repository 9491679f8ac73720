import { type Clock, untilAborted, withDeadline } from "@guardbee/kube";
import type { Logger } from "pino";
import { type AgentEvent, isUrgent } from "../event.ts";
import type { Send, Sent } from "../otlp/send.ts";
import type { Sink, SinkStats } from "./sink.ts";

export type OtlpSinkOptions = {
  /** For messages. */
  readonly endpoint: string;
  readonly send: Send;
  /** An event as a LogRecord; undefined: it is none. */
  readonly encode: (event: AgentEvent) => Buffer | undefined;
  /** The request that has these records. */
  readonly requestOf: (records: readonly Buffer[]) => Buffer;
  /** What may wait before events are dropped, those of stops last; default 4 MiB. */
  readonly backlogBytes?: number;
  readonly clock: Clock;
  readonly log: Logger;
};

/**
 * Events as log records to a receiver of OTLP, in batches. It is never waited for: while it takes nothing
 * they wait, and beyond the backlog they are dropped, those of stopped calls beyond twice as much.
 */
export class OtlpSink implements Sink {
  readonly name = "otlp";
  readonly #options: OtlpSinkOptions;
  readonly #backlogBytes: number;
  #queue: Buffer[] = [];
  #waiting = { count: 0, bytes: 0 };
  readonly #delivered = { count: 0, bytes: 0 };
  readonly #dropped = { closed: 0, backlog: 0, error: 0 };
  #ended = false;
  #onTaken = () => {};
  /** What it said last, until it took something again. */
  #failure: string | undefined;

  constructor(options: OtlpSinkOptions) {
    this.#options = options;
    this.#backlogBytes = options.backlogBytes ?? 4 * 1024 * 1024;
  }

  write(events: readonly AgentEvent[]): void {
    for (const event of events) {
      if (this.#ended) this.#dropped.closed++;
      else this.#take(event);
    }
    this.#onTaken();
  }

  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#onTaken(), { once: true });
    await untilAborted(signal, async (each) => {
      for (;;) {
        await this.#something(each);
        await this.#options.clock.sleep(gatherMs, each); // a batch of many costs as one of few
        await this.#sendAll(each);
      }
    });
    this.#ended = true;
    const limit = { ms: endMs, error: () => new Error("the receiver is too slow") };
    const all = new AbortController();
    await withDeadline(this.#options.clock, limit, all.signal, (each) =>
      this.#sendOnce(each),
    ).catch(
      () => {}, // what is left is counted below
    );
    this.#dropped.closed += this.#waiting.count;
    this.#waiting = { count: 0, bytes: 0 };
    this.#queue = [];
  }

  stats(): SinkStats {
    const { count, bytes } = this.#delivered;
    return { delivered: count, bytes, dropped: { ...this.#dropped }, waiting: this.#waiting.count };
  }

  #take(event: AgentEvent): void {
    const limit = isUrgent(event) ? 2 * this.#backlogBytes : this.#backlogBytes;
    if (this.#waiting.bytes > limit) {
      this.#dropped.backlog++;
      return;
    }
    const record = this.#options.encode(event);
    if (record === undefined) return;
    this.#queue.push(record);
    this.#waiting.count++;
    this.#waiting.bytes += record.length;
  }

  #something(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#onTaken = resolve;
      if (this.#queue.length > 0 || signal.aborted) resolve();
    });
  }

  /** Until nothing waits; what is to be tried again is, later each time. */
  async #sendAll(signal: AbortSignal): Promise<void> {
    for (let delayMs = firstRetryMs; this.#queue.length > 0; ) {
      const sent = await this.#sendSome(signal);
      if (sent.kind !== "later") {
        delayMs = firstRetryMs;
        continue;
      }
      await this.#options.clock.sleep(Math.max(delayMs, sent.afterMs ?? 0), signal);
      delayMs = Math.min(delayMs * 2, lastRetryMs);
    }
  }

  async #sendOnce(signal: AbortSignal): Promise<void> {
    while (this.#queue.length > 0) {
      const sent = await this.#sendSome(signal);
      if (sent.kind === "later") return;
    }
  }

  async #sendSome(signal: AbortSignal): Promise<Sent> {
    const records = this.#next();
    const bytes = records.reduce((sum, record) => sum + record.length, 0);
    const limit = { ms: requestMs, error: () => new Error("it does not answer") };
    const request = this.#options.requestOf(records);
    const sent = await withDeadline(this.#options.clock, limit, signal, (each) =>
      this.#options.send(request, each),
    ).catch((error: unknown): Sent => {
      signal.throwIfAborted();
      return { kind: "later", why: (error as Error).message };
    });
    this.#say(sent);
    if (sent.kind === "later") return sent;
    this.#queue.splice(0, records.length);
    this.#waiting.count -= records.length;
    this.#waiting.bytes -= bytes;
    const lost = sent.kind === "refused" ? records.length : Math.min(sent.rejected, records.length);
    this.#delivered.count += records.length - lost;
    this.#delivered.bytes += sent.kind === "refused" ? 0 : request.length;
    this.#dropped.error += lost;
    return sent;
  }

  /** At least one; receivers of gRPC take 4 MiB at once. */
  #next(): readonly Buffer[] {
    let bytes = 0;
    const end = this.#queue.findIndex((record, i) => {
      bytes += record.length;
      return i > 0 && (i === batchCount || bytes > batchBytes);
    });
    return this.#queue.slice(0, end === -1 ? this.#queue.length : end);
  }

  /** When it changes, not with each request. */
  #say(sent: Sent): void {
    const { log, endpoint } = this.#options;
    const why =
      sent.kind === "taken" ? (sent.rejected > 0 ? (sent.why ?? "") : undefined) : sent.why;
    if (why === this.#failure) return;
    if (why === undefined) log.info({ endpoint }, "OTLP is taken again");
    else if (sent.kind === "later")
      log.error({ endpoint, why }, "OTLP is not taken; it is tried again");
    else log.error({ endpoint, why }, "OTLP is refused; its events are lost");
    this.#failure = why;
  }
}

const gatherMs = 200;
const batchCount = 512;
const batchBytes = 1024 * 1024;
const firstRetryMs = 1_000;
const lastRetryMs = 30_000;
const requestMs = 10_000;
/** How long the receiver may take at the end for what waits. */
const endMs = 5_000;
