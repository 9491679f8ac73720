import { once } from "node:events";
import type { Writable } from "node:stream";
import type { Clock } from "@guardbee/kube";
import type { Logger } from "pino";
import type { Batch, LineEncoder, Lines } from "../encode/lines.ts";
import type { AgentEvent } from "../event.ts";
import type { SinkStats } from "./sink.ts";

export type ReadersOptions = {
  /** How many there may be. */
  readonly limit: number;
  /** What may wait for one of so many before its events are dropped. */
  readonly backlogBytes: (readers: number) => number;
  /** What one that missed so many is told when it has caught up; absent: nothing. */
  readonly missed?: (count: number) => Uint8Array;
  readonly clock: Clock;
  readonly log: Logger;
};

/** What somebody who reads events is given. */
export type Wish = {
  readonly encoder: LineEncoder;
  /** Absent: all. */
  readonly passes?: (event: AgentEvent) => boolean;
};

type Reader = Wish & {
  readonly stream: Writable;
  /** Events since it was too slow, of which it was not told yet. */
  missed: number;
};

/**
 * Those who read events as they happen, each from a stream. One that is too slow misses events, urgent
 * ones last, and holds up nobody.
 */
export class Readers {
  readonly #options: ReadersOptions;
  readonly #readers = new Set<Reader>();
  readonly #delivered = { count: 0, bytes: 0 };
  readonly #dropped = { closed: 0, backlog: 0, error: 0 };
  #waiting = 0;

  constructor(options: ReadersOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#readers.size;
  }

  /** False: there are too many. Until its stream closes it is given events. */
  add(stream: Writable, wish: Wish): boolean {
    if (this.#readers.size >= this.#options.limit) {
      this.#options.log.warn({ readers: this.#readers.size }, "too many read events");
      return false;
    }
    const reader: Reader = { ...wish, stream, missed: 0 };
    this.#readers.add(reader);
    stream.on("close", () => this.#readers.delete(reader));
    return true;
  }

  write(events: readonly AgentEvent[]): void {
    for (const reader of this.#readers) {
      const { passes, encoder } = reader;
      const passed = passes === undefined ? events : events.filter(passes);
      if (passed.length === 0) continue;
      // What an encoder made of the same array it does not make again.
      this.#writeTo(reader, encoder.encode(passed.length === events.length ? events : passed));
    }
  }

  stats(): SinkStats {
    const { count, bytes } = this.#delivered;
    const dropped = { ...this.#dropped };
    return { delivered: count, bytes, dropped, waiting: this.#waiting, readers: this.size };
  }

  /** What waits for them is still sent, as long as each goes on reading; for two seconds at most. */
  async end(): Promise<void> {
    const ended = [...this.#readers].map((reader) => {
      this.#tell(reader);
      reader.stream.end();
      return once(reader.stream, "close");
    });
    const all = new AbortController();
    const late = this.#options.clock.sleep(endMs, all.signal).catch(() => {});
    await Promise.race([Promise.allSettled(ended), late]);
    all.abort();
    const closed = [...this.#readers].map(({ stream }) => once(stream.destroy(), "close"));
    await Promise.allSettled(closed);
  }

  #writeTo(reader: Reader, { lines, count, urgent }: Batch): void {
    const backlogBytes = this.#options.backlogBytes(this.#readers.size);
    const waiting = reader.stream.writableLength;
    const full = waiting > 0 && waiting + lines.length > backlogBytes;
    if (reader.missed === 0 && !full) {
      this.#send(reader, { lines, count });
      return;
    }
    // Once behind, a reader stays so until it has read everything: one gap, not many.
    if (reader.missed === 0)
      this.#options.log.warn({ count }, "event reader is too slow; it misses events");
    const fits = urgent !== undefined && waiting + urgent.lines.length <= 2 * backlogBytes;
    const missed = count - (fits ? urgent.count : 0);
    reader.missed += missed;
    this.#dropped.backlog += missed;
    if (fits) this.#send(reader, urgent);
  }

  #send(reader: Reader, { lines, count }: Lines): void {
    this.#waiting += count;
    reader.stream.write(lines, (error) => {
      this.#waiting -= count;
      if (error) {
        this.#dropped.closed += count; // it went away before it had them
        return;
      }
      this.#delivered.count += count;
      this.#delivered.bytes += lines.length;
      if (reader.stream.writableLength === 0) this.#tell(reader);
    });
  }

  #tell(reader: Reader): void {
    if (reader.missed === 0) return;
    const told = this.#options.missed?.(reader.missed);
    if (told !== undefined) reader.stream.write(told);
    reader.missed = 0;
  }
}

/** How long readers may take at the end for what waits for them. */
const endMs = 2_000;
