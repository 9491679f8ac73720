import { existsSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { Difference } from "../engine.ts";
import { repairing } from "./difference.ts";
import type { Link, Native } from "./native.ts";

/** What must be pinned at a path: a map or program by a descriptor that stays open, or a link. */
export type Pinned = { readonly path: string; readonly sets?: readonly string[] } & (
  | { readonly map: number }
  | { readonly link: Link }
  | { readonly program: number }
);

/** Pins again what is not at its path any more, and says what that was. Never throws. */
export function ensurePins(native: Native, all: readonly Pinned[]): readonly Difference[] {
  return all.flatMap((one) => {
    if (isThere(native, one)) return [];
    const { path, sets } = one;
    const found = { kind: "pin", what: path, ...(sets === undefined ? {} : { sets }) } as const;
    return repairing(found, () => pinAgain(native, one));
  });
}

function isThere(native: Native, one: Pinned): boolean {
  if (!existsSync(one.path)) return false;
  try {
    if ("link" in one) {
      const there = native.openPinnedLink(one.path);
      there.close();
      return there.id === one.link.id;
    }
    return "map" in one
      ? same(native, native.openPinnedMap(one.path), (fd) => native.mapInfo(fd).id, one.map)
      : same(native, native.openPinnedProgram(one.path), native.programId, one.program);
  } catch {
    return false; // another kind of object, or a file
  }
}

/** Whether two descriptors are of one object; closes `there`. */
function same(native: Native, there: number, idOf: (fd: number) => number, ours: number): boolean {
  try {
    return idOf(there) === idOf(ours);
  } finally {
    native.closeFd(there);
  }
}

function pinAgain(native: Native, one: Pinned): void {
  rmSync(one.path, { recursive: true, force: true });
  mkdirSync(dirname(one.path), { recursive: true, mode: 0o700 });
  if ("link" in one) one.link.pin(one.path);
  else if ("map" in one) native.pinMap(one.map, one.path);
  else native.pinProgram(one.program, one.path);
}
