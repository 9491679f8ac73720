import type { Writable } from "node:stream";
import { type Clock, orAborted, untilAborted } from "@guardbee/kube";
import type { Logger } from "pino";
import { createFrameEncoder, createOwnFrameEncoder } from "../encode/frames.ts";
import type { LineEncoder } from "../encode/lines.ts";
import type { AgentEvent } from "../event.ts";
import type { EventTest } from "../filter/fields.ts";
import { Readers } from "./readers.ts";
import type { Sink, SinkStats } from "./sink.ts";

/** An event as a GetEventsResponse. */
export type MessageOf = (event: AgentEvent) => Uint8Array;

export type StreamSinkOptions = {
  readonly messageOf: MessageOf;
  readonly clock: Clock;
  readonly log: Logger;
};

/** 256 who never read keep 32 MiB, and as much again of what is urgent. */
const limits = { readers: 256, allBytes: 32 << 20, eachBytes: 4 << 20 };

/** Which events a client asks for, and what of them. */
export type EventWish = {
  /** Absent: all. */
  readonly passes?: EventTest;
  /** What it gets in place of an event's message; absent: that. */
  readonly select?: (messageOf: MessageOf) => MessageOf;
};

/**
 * Events to every client of the gRPC API that asks for them, framed, from when it asks. One that is too
 * slow misses events, urgent ones last. That is counted and logged; the client is not told, since
 * upstream's ends at an event that says so.
 */
export class StreamSink implements Sink {
  readonly name = "grpc";
  readonly #messageOf: MessageOf;
  /** Of what a reader gets that wishes for nothing else. */
  readonly #encoder: LineEncoder;
  readonly #readers: Readers;

  constructor(options: StreamSinkOptions) {
    const { messageOf, clock, log } = options;
    this.#messageOf = messageOf;
    this.#encoder = createFrameEncoder(messageOf);
    this.#readers = new Readers({
      limit: limits.readers,
      backlogBytes: (readers) => Math.min(limits.eachBytes, limits.allBytes / readers),
      ...{ clock, log },
    });
  }

  /** False: there are too many. Events go to `stream` until it closes, or the agent ends. */
  add(stream: Writable, { passes, select }: EventWish = {}): boolean {
    const encoder =
      select === undefined ? this.#encoder : createOwnFrameEncoder(select(this.#messageOf));
    return this.#readers.add(stream, { encoder, ...(passes === undefined ? {} : { passes }) });
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
