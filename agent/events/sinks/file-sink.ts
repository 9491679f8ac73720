import { once } from "node:events";
import { basename, dirname, extname } from "node:path";
import type { Clock } from "@guardbee/kube";
import type { Logger } from "pino";
import { createStream, type RotatingFileStream } from "rotating-file-stream";
import type { Batch, Sink, SinkStats } from "./sink.ts";

export type FileSinkOptions = {
  /** Its folder is made when it is missing. */
  readonly path: string;
  /** The file is rotated when it reaches this; default 10 MiB. */
  readonly maxBytes?: number;
  /** How many rotated files are kept, the oldest go; default 5, and 0 keeps all. */
  readonly backups?: number;
  /** What may wait for the disk before events are dropped; default 16 MiB. */
  readonly backlogBytes?: number;
  readonly clock: Clock;
  readonly log: Logger;
};

/**
 * JSON lines in a file that only root can read, rotated by size as upstream does: `events.log`
 * becomes `events-2026-01-02T03-04-05.678.log`. A disk error is logged, and the file opened anew
 * after a second; what comes meanwhile is dropped and counted.
 */
export class FileSink implements Sink {
  readonly name = "file";
  readonly #options: FileSinkOptions;
  readonly #backlogBytes: number;
  /** Written by run. */
  #stream: RotatingFileStream | undefined;
  #written = 0;
  readonly #dropped = { closed: 0, backlog: 0 };

  constructor(options: FileSinkOptions) {
    this.#options = options;
    this.#backlogBytes = options.backlogBytes ?? 16 * mebibyte;
  }

  write({ lines, count }: Batch): void {
    if (this.#stream === undefined) {
      this.#dropped.closed += count;
    } else if (this.#stream.writableLength + lines.length > this.#backlogBytes) {
      this.#dropped.backlog += count;
    } else {
      this.#stream.write(lines);
      this.#written += count;
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const stream = openStream(this.#options);
      stream.on("warning", (err) => this.#options.log.warn({ err }, "event file rotation"));
      this.#stream = stream;
      const error = await endOf(stream, signal);
      this.#stream = undefined;
      if (error === undefined) return;
      this.#options.log.error({ err: error, path: this.#options.path }, "event file");
      await this.#options.clock.sleep(reopenMs, signal).catch(() => {}); // aborted: the loop ends
    }
  }

  stats(): SinkStats {
    return { written: this.#written, dropped: { ...this.#dropped } };
  }
}

const mebibyte = 1024 * 1024;
const reopenMs = 1000;

/** Whether a file is one that a sink of `path` makes in its folder: that, a rotated one, their list. */
export function isOfFileSink(path: string, name: string): boolean {
  const extension = extname(path);
  const stem = basename(path, extension);
  const rotated = new RegExp(
    `^${RegExp.escape(stem)}-\\d{4}-\\d\\d-\\d\\dT.*${RegExp.escape(extension)}$`,
  );
  return name === basename(path) || name === historyOf(stem) || rotated.test(name);
}

function historyOf(stem: string): string {
  return `.${stem}.history`;
}

function openStream({ path, maxBytes, backups = 5 }: FileSinkOptions): RotatingFileStream {
  const extension = extname(path);
  const stem = basename(path, extension);
  const name = (time: number | Date, index = 1) => {
    if (!(time instanceof Date)) return basename(path);
    const stamp = time.toISOString().slice(0, -1).replaceAll(":", "-");
    return `${stem}-${stamp}${index > 1 ? `.${index}` : ""}${extension}`;
  };
  return createStream(name, {
    path: dirname(path),
    size: `${maxBytes ?? 10 * mebibyte}B`,
    mode: 0o600,
    ...(backups === 0 ? {} : { maxFiles: backups, history: historyOf(stem) }),
  });
}

/** The stream's error, or undefined when it was ended because of the abort. */
async function endOf(stream: RotatingFileStream, signal: AbortSignal): Promise<Error | undefined> {
  const end = () => stream.end();
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  try {
    await once(stream, "close"); // rejects on error
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    signal.removeEventListener("abort", end);
  }
}
