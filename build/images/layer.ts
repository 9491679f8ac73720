import { readFileSync } from "node:fs";
import { encodeTar, type TarEntry } from "./tar.ts";
import { withParents } from "./tree.ts";

/** The tar of a layer of these entries and the folders above them. */
export function layer(entries: readonly TarEntry[]): Buffer {
  return encodeTar(withParents(entries));
}

/** An executable file, from `source`. */
export function program(path: string, source: string): TarEntry {
  return { kind: "file", path, mode: 0o755, data: readFileSync(source) };
}
