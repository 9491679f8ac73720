import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TarEntry } from "./tar.ts";

/** Says of a path relative to the tree's root, folders included, whether it is left out. */
export type Exclude = (path: string) => boolean;

/** The entries of the folder or file `source` as `target` in an image. Links stay links. */
export function treeEntries(source: string, target: string, exclude: Exclude): TarEntry[] {
  return walk(source, "", exclude).map((entry) => ({
    ...entry,
    path: entry.path === "" ? target : `${target}/${entry.path}`,
  }));
}

/** `entries` with a folder of mode 755 for every parent that has none, and each path once. */
export function withParents(entries: readonly TarEntry[]): TarEntry[] {
  const byPath = new Map<string, TarEntry>();
  for (const entry of entries) byPath.set(entry.path, entry);
  for (const entry of entries) {
    for (let dir = dirname(entry.path); dir !== "."; dir = dirname(dir)) {
      if (!byPath.has(dir)) byPath.set(dir, { kind: "dir", path: dir, mode: 0o755 });
    }
  }
  return [...byPath.values()];
}

function walk(root: string, at: string, exclude: Exclude): TarEntry[] {
  const full = join(root, at);
  const stat = lstatSync(full);
  if (stat.isSymbolicLink()) return [{ kind: "link", path: at, target: readlinkSync(full) }];
  if (stat.isFile()) {
    const mode = stat.mode & 0o111 ? 0o755 : 0o644;
    return [{ kind: "file", path: at, mode, data: readFileSync(full) }];
  }
  if (!stat.isDirectory()) return [];
  const inside = readdirSync(full)
    .map((name) => (at === "" ? name : `${at}/${name}`))
    .filter((path) => !exclude(path))
    .flatMap((path) => walk(root, path, exclude));
  return [{ kind: "dir", path: at, mode: 0o755 }, ...inside];
}
