import { once } from "node:events";
import { type Clock, untilAborted } from "@guardbee/kube";
import type { Logger } from "pino";
import type { LineEncoder, Lines } from "../encode/lines.ts";
import type { AgentEvent } from "../event.ts";
import { type FileLimits, RotatingFile, type RotatingFileOptions } from "./rotating-file.ts";
import type { Sink, SinkStats } from "./sink.ts";

export type FileSinkOptions = {
  /** Its folder is made when it is missing. */
  readonly path: string;
  /** Default 10 MiB, 5 backups, and no rotation by time. `setLimits` changes them. */
  readonly limits?: Partial<RotationLimits>;
  /** Permissions, and which files are written to: as RotatingFile takes them. */
  readonly file?: Pick<RotatingFileOptions, "mode" | "compress" | "isOurs">;
  /** From how much that waits for the disk on there is no room; default 4 MiB. */
  readonly backlogBytes?: number;
  readonly encoder: LineEncoder;
  readonly clock: Clock;
  readonly log: Logger;
};

export type RotationLimits = FileLimits & {
  /** The file is also rotated so long after the last time that it was looked at; 0: by size alone. */
  readonly rotationIntervalMs: number;
};

/**
 * Events as lines in a rotating file. While the disk is slow the reading waits for it. Once it has
 * written nothing for `stallMs` it is no longer waited for, and what is beyond four backlogs is
 * dropped, all but the urgent lines, until it goes on. After
 * an error of the disk the file is opened anew, a second later; what comes meanwhile is dropped.
 */
export class FileSink implements Sink {
  readonly name = "file";
  readonly #options: FileSinkOptions;
  readonly #backlogBytes: number;
  /** Taken, and not yet written. */
  #queue: Lines[] = [];
  #waiting = { count: 0, bytes: 0 };
  #state: "closed" | "open" | "failed" = "closed";
  #limits: RotationLimits;
  /** The interval is over; the file is rotated when it is next looked at. */
  #due = false;
  #onLimits = new AbortController();
  /** What the disk said last, until it took something again. */
  #failure: string | undefined;
  /** The disk has written nothing for `stallMs` while there was no room. */
  #stalled = false;
  #delivered = { count: 0, bytes: 0 };
  readonly #dropped = { closed: 0, backlog: 0, error: 0 };
  /** Called when something was taken, and when something was written. */
  #onTaken = () => {};
  #onWritten = () => {};

  constructor(options: FileSinkOptions) {
    this.#options = options;
    this.#backlogBytes = options.backlogBytes ?? 4 * mebibyte;
    const byDefault = { maxBytes: 10 * mebibyte, backups: 5, rotationIntervalMs: 0 };
    this.#limits = { ...byDefault, ...options.limits };
  }

  get limits(): RotationLimits {
    return this.#limits;
  }

  /** From now on; an interval begins anew. */
  setLimits(limits: Partial<RotationLimits>): void {
    this.#limits = { ...this.#limits, ...limits };
    this.#onLimits.abort();
  }

  room(): Promise<void> | undefined {
    const full = this.#waiting.bytes > this.#backlogBytes;
    return full && this.#state === "open" && !this.#stalled ? this.#writtenOrStalled() : undefined;
  }

  write(events: readonly AgentEvent[]): void {
    if (this.#state !== "open") {
      this.#dropped[this.#state === "closed" ? "closed" : "error"] += events.length;
      return;
    }
    const batch = this.#options.encoder.encode(events);
    const limit = this.#backlogBytes * stalledBacklogs;
    if (this.#waiting.bytes + batch.lines.length <= limit) {
      this.#take(batch);
      return;
    }
    const { urgent } = batch;
    const fits = urgent !== undefined && this.#waiting.bytes + urgent.lines.length <= limit * 2;
    if (fits) this.#take(urgent);
    this.#dropped.backlog += batch.count - (fits ? urgent.count : 0);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#state = "open";
    const ticking = untilAborted(signal, (each) => this.#markDue(each));
    while (!signal.aborted) {
      try {
        await this.#writeUntil(signal);
      } catch (error) {
        this.#enterFailed(error);
        await this.#options.clock.sleep(reopenMs, signal).catch(() => {}); // aborted: the loop ends
        if (!signal.aborted) this.#state = "open";
      }
    }
    await ticking;
    this.#dropQueue("closed");
    this.#state = "closed";
    this.#onWritten();
  }

  stats(): SinkStats {
    const { count, bytes } = this.#delivered;
    return { delivered: count, bytes, dropped: { ...this.#dropped }, waiting: this.#waiting.count };
  }

  /** Returns when `signal` aborted and all is written; rejects with what the disk says. */
  async #writeUntil(signal: AbortSignal): Promise<void> {
    const { path, clock, log } = this.#options;
    const file = await RotatingFile.open({
      ...this.#options.file,
      path,
      limits: () => this.#limits,
      now: () => clock.now(),
      onUncompressed: (err) => log.error({ err, path }, "a rotated event file stays uncompressed"),
    });
    this.#leaveFailed();
    const wake = () => this.#onTaken();
    signal.addEventListener("abort", wake, { once: true });
    try {
      while (this.#queue.length > 0 || !signal.aborted) {
        if (this.#queue.length > 0) await this.#writeSome(file);
        else if (this.#due) await this.#rotate(file);
        else await this.#somethingTaken(signal);
      }
    } finally {
      signal.removeEventListener("abort", wake);
      await file.close();
    }
  }

  async #writtenOrStalled(): Promise<void> {
    const written = new AbortController();
    this.#onWritten = () => written.abort();
    await untilAborted(written.signal, async (signal) => {
      await this.#options.clock.sleep(stallMs, signal);
      this.#stalled = true;
      this.#options.log.error(
        { path: this.#options.path, stallMs },
        "the disk hangs; the event file is not waited for",
      );
    });
  }

  #somethingTaken(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#onTaken = resolve;
      if (signal.aborted) resolve();
    });
  }

  async #writeSome(file: RotatingFile): Promise<void> {
    const some = this.#next(file.bytesLeft);
    const lines = some.length === 1 ? some[0]!.lines : Buffer.concat(some.map((one) => one.lines));
    const count = some.reduce((sum, one) => sum + one.count, 0);
    const failure = await file.append(lines, count);
    this.#queue.splice(0, some.length);
    this.#waiting.count -= count;
    this.#waiting.bytes -= lines.length;
    this.#delivered.count += failure?.count ?? count;
    this.#delivered.bytes += failure?.bytes ?? lines.length;
    this.#dropped.error += count - (failure?.count ?? count);
    this.#stalled = false;
    this.#onWritten();
    if (failure !== undefined) throw failure.error;
    await this.#rotate(file);
  }

  async #rotate(file: RotatingFile): Promise<void> {
    const due = this.#due;
    this.#due = false;
    await file.rotate(due);
  }

  /** Once in each interval, as long as there is one. */
  async #markDue(signal: AbortSignal): Promise<void> {
    for (;;) {
      this.#onLimits = new AbortController();
      const { rotationIntervalMs: interval } = this.#limits;
      const changed = AbortSignal.any([signal, this.#onLimits.signal]);
      if (interval === 0) await aborted(changed);
      else {
        const sleeping = this.#options.clock.sleep(interval, changed).then(() => true);
        const isOver = await sleeping.catch(() => false);
        this.#due ||= isOver;
        this.#onTaken();
      }
      signal.throwIfAborted();
    }
  }

  /**
   * What is written at once: a write for each of many small batches would take a turn of the event
   * loop each, in which more of them come than it wrote. At least one, else at most `bytesLeft`.
   */
  #next(bytesLeft: number): readonly Lines[] {
    let bytes = 0;
    const end = this.#queue.findIndex(({ lines }, i) => {
      bytes += lines.length;
      return i > 0 && bytes > Math.min(bytesLeft, writeBytes);
    });
    return this.#queue.slice(0, end === -1 ? this.#queue.length : end);
  }

  #take({ lines, count }: Lines): void {
    this.#queue.push({ lines, count });
    this.#waiting.count += count;
    this.#waiting.bytes += lines.length;
    this.#onTaken();
  }

  /** Says what the disk says once, not each second. */
  #enterFailed(error: unknown): void {
    const { path, log } = this.#options;
    this.#state = "failed";
    this.#dropQueue("error");
    this.#onWritten();
    const failure = error instanceof Error ? error.message : String(error);
    if (failure !== this.#failure)
      log.error(
        { err: error, path, lost: this.#dropped.error },
        "the event file cannot be written; it is opened again each second, and events are lost",
      );
    this.#failure = failure;
  }

  #leaveFailed(): void {
    if (this.#failure === undefined) return;
    const { path, log } = this.#options;
    log.info({ path, lost: this.#dropped.error }, "the event file is open again");
    this.#failure = undefined;
  }

  #dropQueue(cause: "closed" | "error"): void {
    this.#dropped[cause] += this.#waiting.count;
    this.#queue = [];
    this.#waiting = { count: 0, bytes: 0 };
  }
}

const mebibyte = 1024 * 1024;
/** At most so much is written at once, of several batches. */
const writeBytes = mebibyte;
const reopenMs = 1000;
/** A disk that takes nothing for so long does not hold up the other sinks. */
const stallMs = 5_000;
const stalledBacklogs = 4;

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}
