import { type FileHandle, mkdir, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { compressedSuffix, compressFile } from "./compress-file.ts";
import { countLines, type FileIndex, inodeOf, newlinesIn, writeFileIndex } from "./file-index.ts";
import { knownFiles, rotatedAt, rotatedName } from "./rotated-files.ts";

export type RotatingFileOptions = {
  readonly path: string;
  /** Asked for each time: they may change while the file is open. */
  readonly limits: () => FileLimits;
  /** Permissions of all files; default 0600. */
  readonly mode?: number;
  /** Rotated files are compressed, all but the newest, which a reader may have open. */
  readonly compress?: boolean;
  /** Whether a file that begins with these bytes is one of ours; default: all are. */
  readonly isOurs?: (head: Buffer) => boolean;
  /** Called with what keeps a file from being compressed: it stays as it is. */
  readonly onUncompressed?: (error: unknown) => void;
  /** Wall-clock milliseconds. */
  readonly now: () => number;
};

export type FileLimits = {
  /** The file is rotated when it reaches this. */
  readonly maxBytes: number;
  /** How many rotated files are kept, the oldest go; 0 keeps all. */
  readonly backups: number;
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
 * A file of whole lines, rotated under upstream's names: `events.log` becomes
 * `events-2026-01-02T03-04-05.678.log`, and `.log.gz` when it is compressed. Every method may reject with what the
 * disk says, `append` excepted.
 */
export class RotatingFile {
  readonly #options: RotatingFileOptions;
  #live: Live;
  /** Rotated files, oldest first. */
  #rotated: FileIndex;
  /** The last write of the index. */
  #indexWrite: Promise<void> = Promise.resolve();
  #compressing: Promise<void> | undefined;

  private constructor(options: RotatingFileOptions, live: Live, rotated: FileIndex) {
    this.#options = options;
    this.#live = live;
    this.#rotated = rotated;
  }

  /** Goes on with the file that is there; a line that its writer did not end is cut off. */
  static async open(options: RotatingFileOptions): Promise<RotatingFile> {
    const { path } = options;
    await mkdir(dirname(path), { recursive: true });
    const file = await openToAppend(options);
    try {
      await refuseForeign(file, options);
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
    return this.#options.limits().maxBytes - this.#live.bytes;
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

  /** Begins a new file when this one is large enough, or has lines and it is `due`. */
  async rotate(due = false): Promise<void> {
    const { maxBytes, backups } = this.#options.limits();
    const { bytes } = this.#live;
    if (bytes < maxBytes && !(due && bytes > 0)) return;
    await this.#beginNext();
    const old = backups === 0 ? [] : this.#rotated.slice(0, -backups);
    this.#rotated = this.#rotated.slice(old.length);
    await this.#writeIndex(); // before they go: who looks for one of them finds what comes after it
    for (const { name } of old) await unlink(this.#pathOf(name)).catch(unlessGone);
    if (this.#options.compress === true)
      this.#compressing ??= this.#compressRotated().finally(() => {
        this.#compressing = undefined;
      });
  }

  async close(): Promise<void> {
    await this.#compressing;
    await this.#live.file.close();
  }

  async #beginNext(): Promise<void> {
    const { path, now } = this.#options;
    const { file, lines, first } = this.#live;
    const newest = this.#rotated.at(-1)?.name ?? "";
    // The order of names is that of time, also when the clock goes back.
    const atMs = Math.max(now(), (rotatedAt(path, newest) ?? 0) + 1);
    const name = rotatedName(path, atMs);
    await rename(path, this.#pathOf(name));
    const inode = await inodeOf(file); // before the list is read: it changes beside this
    this.#rotated = [...this.#rotated, { name, inode, first }];
    const next = await openToAppend(this.#options);
    this.#live = { file: next, bytes: 0, lines: 0, first: first + lines };
    await file.close();
  }

  /** Beside the writing, which does not wait for it. */
  async #compressRotated(): Promise<void> {
    const { mode = ownerOnly, onUncompressed } = this.#options;
    const next = () =>
      this.#rotated.slice(0, -1).find(({ name }) => !name.endsWith(compressedSuffix));
    for (let one = next(); one !== undefined; one = next()) {
      const { name } = one;
      try {
        await this.#compress(name, mode);
      } catch (error) {
        const isKept = this.#rotated.some((kept) => kept.name === name);
        if (!isKept) continue; // it was removed meanwhile
        onUncompressed?.(error);
        return; // until the next rotation
      }
    }
  }

  async #compress(name: string, mode: number): Promise<void> {
    await compressFile(this.#pathOf(name), mode);
    const compressed = `${name}${compressedSuffix}`;
    const isKept = this.#rotated.some((one) => one.name === name);
    this.#rotated = this.#rotated.map((one) =>
      one.name === name ? { ...one, name: compressed } : one,
    );
    if (isKept)
      await this.#writeIndex(); // before it goes, as when it is rotated
    else await unlink(this.#pathOf(compressed)).catch(unlessGone); // it became too old meanwhile
    await unlink(this.#pathOf(name)).catch(unlessGone);
  }

  #pathOf(name: string): string {
    return join(dirname(this.#options.path), name);
  }

  /** One at a time, each with what there is when it is its turn. */
  #writeIndex(): Promise<void> {
    const { path } = this.#options;
    const write = this.#indexWrite.then(async () => {
      const { file, first } = this.#live;
      const live = { name: basename(path), inode: await inodeOf(file), first };
      await writeFileIndex(path, [...this.#rotated, live]);
    });
    this.#indexWrite = write.catch(() => {}); // who asked for it is told
    return write;
  }
}

const ownerOnly = 0o600;

async function openToAppend({ path, mode = ownerOnly }: RotatingFileOptions): Promise<FileHandle> {
  const file = await open(path, "a+", mode);
  if (mode !== ownerOnly) await file.chmod(mode); // the umask took some of it
  return file;
}

/** What somebody else wrote is neither cut nor written to. */
async function refuseForeign(
  file: FileHandle,
  { path, isOurs }: RotatingFileOptions,
): Promise<void> {
  if (isOurs === undefined || (await file.stat()).size === 0) return;
  const { bytesRead, buffer } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
  if (isOurs(buffer.subarray(0, bytesRead))) return;
  throw new Error(`${path} does not begin as a file of events; move it away, or name another`);
}

const headBytes = 64;

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
