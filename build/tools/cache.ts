import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Item, scriptName } from "./item.ts";

/** Where built things live, outside the repository so that clones share them. */
export function cacheRoot(): string {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(base, "guardbee", "lab");
}

/** The folder that holds `item` once it is built. Its name carries the hash of every input. */
export function itemDir(item: Item): string {
  return join(cacheRoot(), `${item.name}-${itemHash(item)}`);
}

/** Twelve hex digits over the script, the values and the files that decide the result. */
export function itemHash(item: Item): string {
  const parts = [scriptName(item), readFileSync(item.script)];
  for (const [key, value] of Object.entries(item.env).sort()) parts.push(key, value);
  for (const [key, path] of Object.entries(item.files).sort()) parts.push(key, hashPath(path));
  return hashParts(parts).slice(0, 12);
}

/** SHA-256 in hex over length-prefixed parts, so that moving a boundary changes the hash. */
export function hashParts(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) {
    const bytes = typeof part === "string" ? Buffer.from(part) : part;
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest("hex");
}

/** The hash of a file's content, or of the names and contents below a folder. */
function hashPath(path: string): string {
  if (!statSync(path).isDirectory()) return hashParts([readFileSync(path)]);
  const parts: string[] = [];
  for (const name of readdirSync(path).sort()) parts.push(name, hashPath(join(path, name)));
  return hashParts(parts);
}
