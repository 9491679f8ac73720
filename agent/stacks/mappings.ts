import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";

/** A part of a file that a process has mapped to run it. */
export type Mapping = {
  readonly start: bigint;
  readonly end: bigint;
  /** Of `start` in the file. */
  readonly offset: bigint;
  /** The file system's number and the file's, as /proc has them: `fd:01 131`. */
  readonly file: string;
  /** As the process sees it. */
  readonly path: string;
};

/** What a process runs of files; `isWhole`: as far as is known, that is all. */
export type Mappings = { readonly all: readonly Mapping[]; readonly isWhole: boolean };

/** About 10,000 mappings. A process may have as many as vm.max_map_count lets it. */
const mostBytes = 1 << 20;

/** What the process runs of files, as far as the first MiB of its mappings; undefined: it is gone. */
export function mappingsOf(procfs: string, pid: number): Mappings | undefined {
  const bytes = orGone(() => readStart(join(procfs, String(pid), "maps")));
  if (bytes === undefined) return undefined;
  const isWhole = bytes.length < mostBytes;
  const lines = bytes.toString("utf8").split("\n");
  if (!isWhole) lines.pop(); // a part of one
  return { all: lines.flatMap(parseMapping), isWhole };
}

/** The first bytes of a file that says nothing of its length. */
function readStart(path: string): Buffer {
  const fd = openSync(path, "r");
  try {
    const parts: Buffer[] = [];
    for (let bytes = 0; bytes < mostBytes; ) {
      const part = Buffer.allocUnsafe(Math.min(mostBytes - bytes, 64 << 10));
      const read = readSync(fd, part);
      if (read === 0) break;
      parts.push(part.subarray(0, read));
      bytes += read;
    }
    return Buffer.concat(parts);
  } finally {
    closeSync(fd);
  }
}

const line = /^([0-9a-f]+)-([0-9a-f]+) ..x. ([0-9a-f]+) (\S+ \d+) +(\/.*)$/;

function parseMapping(text: string): readonly Mapping[] {
  const [, start, end, offset, file, path] = line.exec(text) ?? [];
  if (start === undefined || file === undefined || path === undefined) return [];
  const number = (hex: string | undefined) => BigInt(`0x${hex}`);
  return [{ start: number(start), end: number(end), offset: number(offset), file, path }];
}

/**
 * Whether the file's system is one that answers by itself. Reading a file may wait for ever where a
 * process answers (FUSE), and what a process maps is its own choice.
 */
export function answersItself(procfs: string, pid: number, { file }: Mapping): boolean {
  const [system = ""] = file.split(" ");
  const [major, minor] = system.split(":").map((hex) => Number.parseInt(hex, 16));
  const types = [String(pid), "1"].flatMap((one) => {
    const mounts = readOrGone(join(procfs, one, "mountinfo"))?.split("\n") ?? [];
    return mounts.flatMap((mount) => {
      if (mount.split(" ", 3)[2] !== `${major}:${minor}`) return [];
      return mount.split(" - ")[1]?.split(" ", 1)[0] ?? [];
    });
  });
  return types.length > 0 && !types.some((type) => type.startsWith("fuse"));
}

function readOrGone(path: string): string | undefined {
  return orGone(() => readFileSync(path, "utf8"));
}

function orGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}
