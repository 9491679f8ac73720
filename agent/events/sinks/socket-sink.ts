import { once } from "node:events";
import { chmod, lstat, mkdir, unlink } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { type Clock, orAborted, untilAborted } from "@guardbee/kube";
import type { Logger } from "pino";
import type { Batch, LineEncoder, Lines } from "../encode/lines.ts";
import { type AgentEvent, droppedEvent } from "../event.ts";
import type { Sink, SinkStats } from "./sink.ts";

export type SocketSinkOptions = {
  /** A Unix socket; a stale one is replaced, its folder is made when it is missing. Mode 0660. */
  readonly path: string;
  /** What may wait for one reader before its events are dropped; default 4 MiB. */
  readonly backlogBytes?: number;
  /** How many readers there may be; default 64. More are hung up on. */
  readonly readers?: number;
  readonly encoder: LineEncoder;
  readonly clock: Clock;
  readonly log: Logger;
};

/**
 * Events as lines to every reader of a Unix socket, from when it connects. A reader that is too slow
 * misses events, urgent ones last; when it has caught up, or at the end, it is told how many.
 */
export class SocketSink implements Sink {
  readonly name = "socket";
  readonly #options: SocketSinkOptions;
  readonly #backlogBytes: number;
  readonly #readers = new Set<Reader>();
  readonly #delivered = { count: 0, bytes: 0 };
  readonly #dropped = { closed: 0, backlog: 0, error: 0 };
  #waiting = 0;

  constructor(options: SocketSinkOptions) {
    this.#options = options;
    this.#backlogBytes = options.backlogBytes ?? 4 * 1024 * 1024;
  }

  write(events: readonly AgentEvent[]): void {
    if (this.#readers.size === 0) return;
    const batch = this.#options.encoder.encode(events);
    for (const reader of this.#readers) this.#writeTo(reader, batch);
  }

  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const server = createServer((socket) => this.#accept(socket));
    await listen(server, this.#options.path);
    this.#options.log.info({ path: this.#options.path }, "event socket is open");
    const failed = once(server, "error").then(([error]) => Promise.reject(error));
    try {
      await untilAborted(signal, () => orAborted(failed, signal));
    } finally {
      server.close(); // also removes the socket's file
      await this.#endReaders();
      server.removeAllListeners("error");
    }
  }

  stats(): SinkStats {
    const { count, bytes } = this.#delivered;
    const dropped = { ...this.#dropped };
    return { delivered: count, bytes, dropped, waiting: this.#waiting, readers: this.readers };
  }

  /** How many are reading now. */
  get readers(): number {
    return this.#readers.size;
  }

  #accept(socket: Socket): void {
    if (this.#readers.size >= (this.#options.readers ?? 64)) {
      this.#options.log.warn(
        { readers: this.#readers.size },
        "event socket has too many readers; one was hung up on",
      );
      socket.destroy();
      return;
    }
    const reader: Reader = { socket, missed: 0 };
    this.#readers.add(reader);
    socket.on("error", () => socket.destroy()); // it hung up
    socket.on("close", () => this.#readers.delete(reader));
    socket.resume(); // nobody is asked for anything; this is how its end is noticed
  }

  #writeTo(reader: Reader, { lines, count, urgent }: Batch): void {
    const waiting = reader.socket.writableLength;
    const full = waiting > 0 && waiting + lines.length > this.#backlogBytes;
    if (reader.missed === 0 && !full) {
      this.#send(reader, { lines, count });
      return;
    }
    // Once behind, a reader stays so until it has read everything: one gap, not many.
    if (reader.missed === 0)
      this.#options.log.warn({ count }, "event reader is too slow; it misses events");
    const fits = urgent !== undefined && waiting + urgent.lines.length <= 2 * this.#backlogBytes;
    const missed = count - (fits ? urgent.count : 0);
    reader.missed += missed;
    this.#dropped.backlog += missed;
    if (fits) this.#send(reader, urgent);
  }

  #send(reader: Reader, { lines, count }: Lines): void {
    this.#waiting += count;
    reader.socket.write(lines, (error) => {
      this.#waiting -= count;
      if (error) {
        this.#dropped.closed += count; // it went away before it had them
        return;
      }
      this.#delivered.count += count;
      this.#delivered.bytes += lines.length;
      if (reader.socket.writableLength === 0) this.#tell(reader);
    });
  }

  #tell(reader: Reader): void {
    if (reader.missed === 0) return;
    const { encoder, clock } = this.#options;
    const { lines } = encoder.encode([droppedEvent(reader.missed, clock.now())]);
    reader.socket.write(lines);
    reader.missed = 0;
  }

  /** What waits for them is still sent, as long as each goes on reading. */
  async #endReaders(): Promise<void> {
    const ended = [...this.#readers].map((reader) => {
      this.#tell(reader);
      reader.socket.end();
      return once(reader.socket, "close");
    });
    const all = new AbortController();
    const late = this.#options.clock.sleep(endMs, all.signal).catch(() => {});
    await Promise.race([Promise.allSettled(ended), late]);
    all.abort();
    const closed = [...this.#readers].map(({ socket }) => once(socket.destroy(), "close"));
    await Promise.allSettled(closed);
  }
}

type Reader = {
  readonly socket: Socket;
  /** Events since it was too slow, of which it was not told yet. */
  missed: number;
};

/** How long readers may take at the end for what waits for them. */
const endMs = 2_000;

async function listen(server: Server, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSocket() === true) await unlink(path);
  server.listen(path);
  await once(server, "listening"); // rejects on error
  await chmod(path, 0o660);
}
