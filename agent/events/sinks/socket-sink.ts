import { once } from "node:events";
import { chmod, lstat, mkdir, unlink } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { orAborted } from "@guardbee/kube";
import type { Logger } from "pino";
import type { Batch, Sink, SinkStats } from "./sink.ts";

export type SocketSinkOptions = {
  /** A Unix socket; a stale one is replaced, its folder is made when it is missing. Mode 0660. */
  readonly path: string;
  /** What may wait for one reader before its events are dropped; default 4 MiB. */
  readonly backlogBytes?: number;
  /** How many readers there may be; default 64. More are hung up on. */
  readonly readers?: number;
  /** The line that tells a reader how many events it missed. */
  readonly droppedLine: (count: number) => string;
  readonly log: Logger;
};

/**
 * JSON lines to every reader of a Unix socket, from when it connects. A reader that is too slow
 * misses events; when it has caught up it is told how many, before the next ones.
 */
export class SocketSink implements Sink {
  readonly name = "socket";
  readonly #options: SocketSinkOptions;
  readonly #backlogBytes: number;
  readonly #readers = new Set<Reader>();
  #written = 0;
  #dropped = 0;

  constructor(options: SocketSinkOptions) {
    this.#options = options;
    this.#backlogBytes = options.backlogBytes ?? 4 * 1024 * 1024;
  }

  write(batch: Batch): void {
    for (const reader of this.#readers) this.#writeTo(reader, batch);
  }

  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const server = createServer((socket) => this.#accept(socket));
    await listen(server, this.#options.path);
    this.#options.log.info({ path: this.#options.path }, "event socket is open");
    const failed = once(server, "error").then(([error]) => Promise.reject(error));
    try {
      await orAborted(failed, signal);
    } catch (error) {
      if (error !== signal.reason) throw error; // abort is the normal end
    } finally {
      server.close(); // also removes the socket's file
      for (const { socket } of this.#readers) socket.end();
      server.removeAllListeners("error");
    }
  }

  stats(): SinkStats {
    return { written: this.#written, dropped: { closed: 0, backlog: this.#dropped } };
  }

  /** How many are reading now. */
  get readers(): number {
    return this.#readers.size;
  }

  #accept(socket: Socket): void {
    if (this.#readers.size >= (this.#options.readers ?? 64)) {
      this.#options.log.warn({ readers: this.#readers.size }, "event socket has too many readers");
      socket.destroy();
      return;
    }
    const reader: Reader = { socket, missed: 0 };
    this.#readers.add(reader);
    socket.resume(); // a reader has nothing to say
    socket.on("error", () => {}); // `close` follows
    socket.on("close", () => this.#readers.delete(reader));
  }

  #writeTo(reader: Reader, { lines, count }: Batch): void {
    const { socket } = reader;
    const waiting = socket.writableLength;
    const full = waiting > 0 && waiting + lines.length > this.#backlogBytes;
    if (reader.missed > 0 || full) {
      // Once behind, a reader stays so until it has read everything: one gap, not many.
      if (reader.missed === 0) this.#options.log.warn({ count }, "event reader is too slow");
      reader.missed += count;
      this.#dropped += count;
      return;
    }
    socket.write(lines, () => this.#tell(reader));
    this.#written += count;
  }

  #tell(reader: Reader): void {
    if (reader.missed === 0 || reader.socket.writableLength > 0) return;
    reader.socket.write(this.#options.droppedLine(reader.missed));
    reader.missed = 0;
  }
}

type Reader = {
  readonly socket: Socket;
  /** Events since it was too slow, of which it was not told yet. */
  missed: number;
};

async function listen(server: Server, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSocket() === true) await unlink(path);
  server.listen(path);
  await once(server, "listening"); // rejects on error
  await chmod(path, 0o660);
}
