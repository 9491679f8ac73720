import { once } from "node:events";
import { chmod, lstat, mkdir, unlink } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { type Clock, orAborted, untilAborted } from "@guardbee/kube";
import type { Logger } from "pino";
import type { LineEncoder } from "../encode/lines.ts";
import { type AgentEvent, droppedEvent } from "../event.ts";
import { Readers } from "./readers.ts";
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
  readonly #readers: Readers;

  constructor(options: SocketSinkOptions) {
    const { encoder, backlogBytes = 4 * 1024 * 1024, readers = 64, clock, log } = options;
    this.#options = options;
    this.#readers = new Readers({
      limit: readers,
      backlogBytes: () => backlogBytes,
      missed: (count) => encoder.encode([droppedEvent(count, clock.now())]).lines,
      ...{ clock, log },
    });
  }

  write(events: readonly AgentEvent[]): void {
    this.#readers.write(events);
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
      await this.#readers.end();
      server.removeAllListeners("error");
    }
  }

  stats(): SinkStats {
    return this.#readers.stats();
  }

  /** How many are reading now. */
  get readers(): number {
    return this.#readers.size;
  }

  #accept(socket: Socket): void {
    socket.on("error", () => socket.destroy()); // it hung up
    if (!this.#readers.add(socket, { encoder: this.#options.encoder })) {
      socket.destroy();
      return;
    }
    socket.resume(); // nobody is asked for anything; this is how its end is noticed
  }
}

async function listen(server: Server, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSocket() === true) await unlink(path);
  server.listen(path);
  await once(server, "listening"); // rejects on error
  await chmod(path, 0o660);
}
