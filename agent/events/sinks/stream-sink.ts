import type { Writable } from "node:stream";
import { type Clock, orAborted, untilAborted } from "@guardbee/kube";
import type { Logger } from "pino";
import type { LineEncoder } from "../encode/lines.ts";
import type { AgentEvent } from "../event.ts";
import { Readers, type Wish } from "./readers.ts";
import type { Sink, SinkStats } from "./sink.ts";

export type StreamSinkOptions = {
  /** Of what a reader gets that wishes for nothing else. */
  readonly encoder: LineEncoder;
  readonly clock: Clock;
  readonly log: Logger;
};

/** 256 who never read keep 32 MiB, and as much again of what is urgent. */
const limits = { readers: 256, allBytes: 32 << 20, eachBytes: 4 << 20 };

/**
 * Events to every client of the gRPC API that asks for them, framed, from when it asks. One that is too
 * slow misses events, urgent ones last. That is counted and logged; the client is not told, since
 * upstream's ends at an event that says so.
 */
export class StreamSink implements Sink {
  readonly name = "grpc";
  readonly encoder: LineEncoder;
  readonly #readers: Readers;

  constructor(options: StreamSinkOptions) {
    const { encoder, clock, log } = options;
    this.encoder = encoder;
    this.#readers = new Readers({
      limit: limits.readers,
      backlogBytes: (readers) => Math.min(limits.eachBytes, limits.allBytes / readers),
      ...{ clock, log },
    });
  }

  /** False: there are too many. Events go to `stream` until it closes, or the agent ends. */
  add(stream: Writable, wish: Partial<Wish> = {}): boolean {
    return this.#readers.add(stream, { encoder: this.encoder, ...wish });
  }

  write(events: readonly AgentEvent[]): void {
    this.#readers.write(events);
  }

  async run(signal: AbortSignal): Promise<void> {
    await untilAborted(signal, (each) => orAborted(new Promise<never>(() => {}), each));
    await this.#readers.end();
  }

  stats(): SinkStats {
    return this.#readers.stats();
  }
}
