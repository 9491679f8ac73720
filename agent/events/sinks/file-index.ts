import type { FileHandle } from "node:fs/promises";
import { readFile, rename, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";

/** One file of those that a path has had: it is known again by its inode, whatever its name. */
export type IndexedFile = {
  /** In the folder of the path. */
  readonly name: string;
  readonly inode: string;
  /** How many lines were written before its first. */
  readonly first: number;
};

/**
 * The files that are there, in their order; the last has the path's own name. From it whoever follows
 * the path learns which file is next, and how many lines it missed when that was removed.
 */
export type FileIndex = readonly IndexedFile[];

export function indexPath(path: string): string {
  return join(dirname(path), `.${basename(path, extname(path))}.index`);
}

/** Undefined when there is none that can be read: its writer makes a new one. */
export async function readFileIndex(path: string): Promise<FileIndex | undefined> {
  try {
    const read: unknown = JSON.parse(await readFile(indexPath(path), "utf8"));
    return Array.isArray(read) && read.every(isIndexedFile) ? read : undefined;
  } catch {
    return undefined;
  }
}

/** Whole or not at all. */
export async function writeFileIndex(path: string, index: FileIndex): Promise<void> {
  const next = `${indexPath(path)}.next`;
  await writeFile(next, JSON.stringify(index), { mode: 0o600 });
  await rename(next, indexPath(path));
}

export async function inodeOf(file: FileHandle): Promise<string> {
  return String((await file.stat({ bigint: true })).ino);
}

/** How many line ends there are before `end`. */
export async function countLines(file: FileHandle, end: number): Promise<number> {
  const chunk = Buffer.alloc(Math.min(end, chunkBytes));
  let count = 0;
  for (let at = 0; at < end; ) {
    const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, end - at), at);
    if (bytesRead === 0) break;
    count += newlinesIn(chunk.subarray(0, bytesRead));
    at += bytesRead;
  }
  return count;
}

export function newlinesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) count++;
  return count;
}

function isIndexedFile(value: unknown): value is IndexedFile {
  const { name, inode, first } = (value ?? {}) as Partial<IndexedFile>;
  const named = typeof name === "string" && name === basename(name);
  return named && typeof inode === "string" && Number.isSafeInteger(first);
}

const newline = 0x0a;
const chunkBytes = 256 * 1024;
