import { open, readdir, unlink } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { compressedSuffix, countCompressedLines } from "./compress-file.ts";
import {
  countLines,
  type FileIndex,
  type IndexedFile,
  indexPath,
  inodeOf,
  readFileIndex,
} from "./file-index.ts";

/** Whether a file is one that is made for `path` in its folder. */
export function isOfRotatingFile(path: string, name: string): boolean {
  const index = basename(indexPath(path));
  const older = index.replace(/index$/, "history"); // of agents before 0.2
  return (
    [basename(path), index, `${index}.next`, older].includes(name) ||
    rotatedAt(path, name.endsWith(unfinished) ? name.slice(0, -unfinished.length) : name) !==
      undefined
  );
}

/** The rotated files that are there, and how many lines there were before the file `live`. */
export async function knownFiles(
  path: string,
  live: string,
): Promise<{ readonly rotated: FileIndex; readonly first: number }> {
  const folder = dirname(path);
  const index = (await readFileIndex(path)) ?? [];
  const found = (await readdir(folder)).filter((name) => rotatedAt(path, name) !== undefined);
  // Of both forms, its writer died before the first one went.
  const twice = found.filter((name) => found.includes(`${name}${compressedSuffix}`));
  for (const name of twice) await unlink(join(folder, `${name}${compressedSuffix}`));
  const names = found
    .filter((name) => !twice.includes(name.slice(0, -compressedSuffix.length)))
    .sort((a, b) => rotatedAt(path, a)! - rotatedAt(path, b)!);
  let rotated: IndexedFile[] = [];
  let next = 0;
  for (const name of names) {
    const { inode, lines } = await lookInto(join(folder, name), index);
    // Whoever wrote it may have died before it wrote the index again.
    const first = index.find((one) => one.inode === inode)?.first ?? next;
    rotated = [...rotated, { name, inode, first }];
    next = first + lines;
  }
  return { rotated, first: index.find((one) => one.inode === live)?.first ?? next };
}

/** A compressed file is still known by the inode that it had before. */
async function lookInto(
  path: string,
  index: FileIndex,
): Promise<{ readonly inode: string; readonly lines: number }> {
  const file = await open(path, "r");
  try {
    const inode = await inodeOf(file);
    if (!path.endsWith(compressedSuffix))
      return { inode, lines: await countLines(file, (await file.stat()).size) };
    const plain = withoutCompression(basename(path));
    const before = index.find(({ name }) => withoutCompression(name) === plain)?.inode;
    return { inode: before ?? inode, lines: await countCompressedLines(path) };
  } finally {
    await file.close();
  }
}

/** What a file is called that is rotated away from `path` at `atMs`, in wall-clock ms. */
export function rotatedName(path: string, atMs: number): string {
  const stamp = new Date(atMs).toISOString().slice(0, -1).replaceAll(":", "-");
  return `${stemOf(path)}-${stamp}${extname(path)}`;
}

/** When `name` was rotated away from `path`; undefined when it was not. */
export function rotatedAt(path: string, name: string): number | undefined {
  const [head, tail] = [`${stemOf(path)}-`, extname(path)];
  const plain = withoutCompression(name);
  if (!plain.startsWith(head) || !plain.endsWith(tail)) return undefined;
  const stamp = plain.slice(head.length, plain.length - tail.length);
  const [, day, h, m, s] =
    stamp.match(/^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})(\.\d+)?$/) ?? [];
  if (day === undefined) return undefined;
  const atMs = Date.parse(`${day}T${h}:${m}:${s}Z`);
  return Number.isNaN(atMs) ? undefined : atMs;
}

function stemOf(path: string): string {
  return basename(path, extname(path));
}

export function withoutCompression(name: string): string {
  return name.endsWith(compressedSuffix) ? name.slice(0, -compressedSuffix.length) : name;
}

/** At the end of the name of what is being compressed. */
const unfinished = ".next";
