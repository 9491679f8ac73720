import { readFileSync } from "node:fs";
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

/** What the process runs of files; undefined: it is gone. */
export function mappingsOf(procfs: string, pid: number): readonly Mapping[] | undefined {
  const text = readOrGone(join(procfs, String(pid), "maps"));
  return text?.split("\n").flatMap(parseMapping);
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
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}
