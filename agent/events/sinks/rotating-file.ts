import { type FileHandle, mkdir, open, readdir, rename, unlink } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import {
  countLines,
  type FileIndex,
  type IndexedFile,
  indexPath,
  inodeOf,
  newlinesIn,
  readFileIndex,
  writeFileIndex,
} from "./file-index.ts";

export type RotatingFileOptions = {
  readonly path: string;
  /** The file is rotated when it reaches this. */
  readonly maxBytes: number;
  /** How many rotated files are kept, the oldest go; 0 keeps all. */
  readonly backups: number;
  /** Wall-clock milliseconds. */
  readonly now: () => number;
};

/** Why lines could not be written, and how many of them are in the file all the same. */
export type AppendFailure = {
  readonly error: unknown;
  readonly count: number;
  readonly bytes: number;
};

/** The file that has the path's own name. `first`: how many lines were written before its first. */
type Live = { file: FileHandle; bytes: number; lines: number; first: number };

/**
 * A file of whole lines that only its owner can read, rotated by size under upstream's names:
 * `events.log` becomes `events-2026-01-02T03-04-05.678.log`. Every method may reject with what the
 * disk says, `append` excepted.
 */
export class RotatingFile {
  readonly #options: RotatingFileOptions;
  #live: Live;
  /** Rotated files, oldest first. */
  #rotated: FileIndex;

  private constructor(options: RotatingFileOptions, live: Live, rotated: FileIndex) {
    this.#options = options;
    this.#live = live;
    this.#rotated = rotated;
  }

  /** Goes on with the file that is there; a line that its writer did not end is cut off. */
  static async open(options: RotatingFileOptions): Promise<RotatingFile> {
    const { path } = options;
    await mkdir(dirname(path), { recursive: true });
    const file = await openToAppend(path);
    try {
      const bytes = await cutUnendedLine(file);
      const lines = await countLines(file, bytes);
      const { rotated, first } = await knownFiles(path, await inodeOf(file));
      const made = new RotatingFile(options, { file, bytes, lines, first }, rotated);
      await made.#writeIndex();
      return made;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** How much the file may grow before it is to be rotated; may be negative. */
  get bytesLeft(): number {
    return this.#options.maxBytes - this.#live.bytes;
  }

  /** Writes `count` whole lines; undefined when all are in the file. It never ends within a line. */
  async append(lines: Buffer, count: number): Promise<AppendFailure | undefined> {
    const live = this.#live;
    let written = 0;
    try {
      while (written < lines.length) {
        const { bytesWritten } = await live.file.write(lines, written);
        written += bytesWritten;
      }
      live.bytes += written;
      live.lines += count;
      return undefined;
    } catch (error) {
      const kept = lines.subarray(0, lines.subarray(0, written).lastIndexOf("\n") + 1);
      const whole = newlinesIn(kept);
      live.bytes += kept.length;
      live.lines += whole;
      await live.file.truncate(live.bytes).catch(() => {}); // the next open cuts it then
      return { error, count: whole, bytes: kept.length };
    }
  }

  /** Begins a new file when this one is large enough, and removes what is too old. */
  async rotate(): Promise<void> {
    const { path, maxBytes, backups, now } = this.#options;
    const { file, bytes, lines, first } = this.#live;
    if (bytes < maxBytes) return;
    const newest = this.#rotated.at(-1)?.name ?? "";
    // The order of names is that of time, also when the clock goes back.
    const atMs = Math.max(now(), (rotatedAt(path, newest) ?? 0) + 1);
    const name = rotatedName(path, atMs);
    await rename(path, join(dirname(path), name));
    this.#rotated = [...this.#rotated, { name, inode: await inodeOf(file), first }];
    const next = await openToAppend(path);
    this.#live = { file: next, bytes: 0, lines: 0, first: first + lines };
    await file.close();
    const old = backups === 0 ? [] : this.#rotated.slice(0, -backups);
    this.#rotated = this.#rotated.slice(old.length);
    await this.#writeIndex(); // before they go: who looks for one of them finds what comes after it
    for (const { name } of old) await unlink(join(dirname(path), name)).catch(unlessGone);
  }

  close(): Promise<void> {
    return this.#live.file.close();
  }

  async #writeIndex(): Promise<void> {
    const { path } = this.#options;
    const { file, first } = this.#live;
    const live = { name: basename(path), inode: await inodeOf(file), first };
    await writeFileIndex(path, [...this.#rotated, live]);
  }
}

/** Whether a file is one that is made for `path` in its folder. */
export function isOfRotatingFile(path: string, name: string): boolean {
  const index = basename(indexPath(path));
  const older = index.replace(/index$/, "history"); // of agents before 0.2
  return (
    [basename(path), index, `${index}.next`, older].includes(name) ||
    rotatedAt(path, name) !== undefined
  );
}

/** The rotated files that are there, and how many lines there were before the file `live`. */
async function knownFiles(
  path: string,
  live: string,
): Promise<{ readonly rotated: FileIndex; readonly first: number }> {
  const folder = dirname(path);
  const index = (await readFileIndex(path)) ?? [];
  const names = (await readdir(folder))
    .filter((name) => rotatedAt(path, name) !== undefined)
    .sort((a, b) => rotatedAt(path, a)! - rotatedAt(path, b)!);
  let rotated: IndexedFile[] = [];
  let next = 0;
  for (const name of names) {
    const file = await open(join(folder, name), "r");
    try {
      const inode = await inodeOf(file);
      // Whoever wrote it may have died before it wrote the index again.
      const first = index.find((one) => one.inode === inode)?.first ?? next;
      rotated = [...rotated, { name, inode, first }];
      next = first + (await countLines(file, (await file.stat()).size));
    } finally {
      await file.close();
    }
  }
  return { rotated, first: index.find((one) => one.inode === live)?.first ?? next };
}

function rotatedName(path: string, atMs: number): string {
  const stamp = new Date(atMs).toISOString().slice(0, -1).replaceAll(":", "-");
  return `${stemOf(path)}-${stamp}${extname(path)}`;
}

/** When `name` was rotated away from `path`; undefined when it was not. */
function rotatedAt(path: string, name: string): number | undefined {
  const [head, tail] = [`${stemOf(path)}-`, extname(path)];
  if (!name.startsWith(head) || !name.endsWith(tail)) return undefined;
  const stamp = name.slice(head.length, name.length - tail.length);
  const [, day, h, m, s] =
    stamp.match(/^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})(\.\d+)?$/) ?? [];
  if (day === undefined) return undefined;
  const atMs = Date.parse(`${day}T${h}:${m}:${s}Z`);
  return Number.isNaN(atMs) ? undefined : atMs;
}

function stemOf(path: string): string {
  return basename(path, extname(path));
}

function openToAppend(path: string): Promise<FileHandle> {
  return open(path, "a+", 0o600);
}

/** The size that is left. */
async function cutUnendedLine(file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  const chunk = Buffer.alloc(Math.min(size, tailBytes));
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - chunk.length);
    const { bytesRead } = await file.read(chunk, 0, end - start, start);
    const whole = start + chunk.subarray(0, bytesRead).lastIndexOf("\n") + 1;
    if (whole > start) {
      if (whole < size) await file.truncate(whole);
      return whole;
    }
    end = start;
  }
  if (size > 0) await file.truncate(0);
  return 0;
}

function unlessGone(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}

const tailBytes = 64 * 1024;
