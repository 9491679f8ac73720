import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Clock, untilAborted } from "@guardbee/kube";
import { compressedSuffix } from "./sinks/compress-file.ts";
import { countLines, inodeOf, newlinesIn, readFileIndex } from "./sinks/file-index.ts";

export type FollowOptions = {
  readonly path: string;
  /** Where to start in the file that is there; files that come after it are read from the start. */
  readonly from: "start" | "end";
  /** Whole lines, each with its `\n`. Awaited, so that a slow receiver is not overrun. */
  readonly onLines: (lines: Buffer) => void | Promise<void>;
  /** So many lines were removed before they could be read; the next ones come after these. */
  readonly onMissed?: (count: number) => void | Promise<void>;
  readonly clock: Clock;
  /** How often to look for more; default 250 ms. */
  readonly pollMs?: number;
};

/**
 * Gives on what is appended to a file until aborted. It waits for a file that is not there yet, and
 * when the file is rotated away, replaced or emptied it reads the old one to its end and goes on
 * with the one after it: by the index of a RotatingFile each of them in turn, and what was removed
 * or compressed by then is counted; without an index the one that has the path. Throws on what is no plain file, and
 * on a line of more than 16 MiB.
 */
export function followFile(options: FollowOptions, signal: AbortSignal): Promise<void> {
  return untilAborted(signal, () => followEach(options, signal));
}

/** One file after the other that has the path. */
async function followEach(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { path, clock, pollMs = 250, onMissed } = options;
  let { from } = options;
  for (let file: FileHandle | undefined; ; ) {
    file ??= await open(path, readOnly).catch(noneYet);
    if (file === undefined) {
      from = "start"; // whatever is in the file when it comes is new
      await clock.sleep(pollMs, signal);
      continue;
    }
    const reading = new Reading(file, { ...options, pollMs });
    file = undefined;
    try {
      await reading.untilReplaced(from, signal);
      const next = await reading.next(signal);
      file = next?.file;
      if (next !== undefined && next.missed > 0) await onMissed?.(next.missed);
    } finally {
      await reading.close();
    }
    from = "start";
  }
}

/** One file that has, or had, the path. */
class Reading {
  readonly #file: FileHandle;
  readonly #options: FollowOptions & { readonly pollMs: number };
  #unended: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Of this file, those that were skipped included. */
  #lines = 0;
  /** How many lines there were before this file's first, where an index says it. */
  #first: number | undefined;

  constructor(file: FileHandle, options: FollowOptions & { readonly pollMs: number }) {
    this.#file = file;
    this.#options = options;
  }

  /** Returns when another file has the path, or this one got shorter, and all of it was delivered. */
  async untilReplaced(from: "start" | "end", signal: AbortSignal): Promise<void> {
    const { path, clock, pollMs } = this.#options;
    const opened = await this.#file.stat({ bigint: true });
    if (!opened.isFile()) throw new Error("is no plain file");
    if (from === "end") {
      this.#at = Number(opened.size);
      this.#lines = await countLines(this.#file, this.#at);
    }
    const chunk = Buffer.alloc(chunkBytes);
    for (;;) {
      signal.throwIfAborted();
      const named = await stat(path, { bigint: true }).catch(noneYet); // before the read: no gap
      this.#first ??= await this.#firstOf(String(opened.ino));
      const { bytesRead } = await this.#file.read(chunk, 0, chunk.length, this.#at);
      if (bytesRead > 0) {
        this.#at += bytesRead;
        await this.#deliver(Buffer.from(chunk.subarray(0, bytesRead)));
        continue;
      }
      const same = named?.ino === opened.ino && named.dev === opened.dev;
      if (named !== undefined && !same) break;
      const size = named === undefined ? this.#at : Number(named.size);
      if (size < this.#at - this.#unended.length) break; // it was emptied
      if (size < this.#at) {
        this.#at -= this.#unended.length; // its writer took back a line that it could not end
        this.#unended = Buffer.alloc(0);
      }
      await clock.sleep(pollMs, signal);
    }
    if (this.#unended.length > 0) await this.#deliver(Buffer.from("\n")); // its writer died
  }

  /** The file that comes after this one; undefined: whichever has the path. */
  async next(
    signal: AbortSignal,
  ): Promise<{ readonly file: FileHandle; readonly missed: number } | undefined> {
    const inode = await inodeOf(this.#file);
    for (let tries = 0; tries < nextTries; tries++) {
      const index = await readFileIndex(this.#options.path);
      if (index === undefined) return undefined;
      const at = index.findIndex((one) => one.inode === inode);
      const after = at === -1 && this.#first === undefined ? [] : index.slice(at + 1);
      const next = after.find(({ name }) => !name.endsWith(compressedSuffix));
      const file = next && (await this.#openIndexed(next));
      if (file !== undefined) {
        const follows = at !== -1 && next === after[0];
        const first = this.#first ?? index[at]?.first;
        const missed = follows ? 0 : next!.first - first! - this.#lines;
        return { file, missed: Math.max(0, missed) };
      }
      // The writer has not written the index yet, or rotated again meanwhile.
      await this.#options.clock.sleep(this.#options.pollMs, signal);
    }
    return undefined;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #deliver(bytes: Buffer): Promise<void> {
    const all = this.#unended.length === 0 ? bytes : Buffer.concat([this.#unended, bytes]);
    const end = all.lastIndexOf("\n") + 1;
    this.#unended = all.subarray(end);
    if (this.#unended.length > maxLineBytes) {
      throw new Error(`has a line of over ${maxLineBytes} bytes; its writer writes no JSON lines`);
    }
    if (end === 0) return;
    const lines = all.subarray(0, end);
    this.#lines += newlinesIn(lines);
    await this.#options.onLines(lines);
  }

  async #firstOf(inode: string): Promise<number | undefined> {
    const index = await readFileIndex(this.#options.path);
    return index?.find((one) => one.inode === inode)?.first;
  }

  async #openIndexed(one: { name: string; inode: string }): Promise<FileHandle | undefined> {
    const file = await open(join(dirname(this.#options.path), one.name), "r").catch(noneYet);
    if (file === undefined || (await inodeOf(file)) === one.inode) return file;
    await file.close();
    return undefined;
  }
}

const chunkBytes = 64 * 1024;
/** As readers of events take it. */
const maxLineBytes = 16 * 1024 * 1024;
/** A pipe without a writer would hold up the open, and with it the end of the process. */
const readOnly = constants.O_RDONLY | constants.O_NONBLOCK;
/** How often the index is looked at before it is taken for one that nobody writes any more. */
const nextTries = 4;

/** undefined when the file is not there; anything else is a reason to stop. */
function noneYet(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}
