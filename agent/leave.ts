import { existsSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Logger } from "pino";
import { isOfRotatingFile } from "./events/sinks/rotated-files.ts";

/** What an agent leaves on its machine so that the next one goes on with it. */
export type Left = {
  readonly bpffs: string;
  readonly stateDir: string;
  readonly eventsFile: string;
  readonly eventsSocket: string;
};

/**
 * Removes all of it. What is pinned goes with this process, which still holds it open; the folders
 * of state and events stay, as a container cannot remove what is mounted into it. Never throws.
 */
export function leaveNothing(left: Left, log: Logger): void {
  const paths = [
    left.bpffs,
    ...inside(left.stateDir),
    ...inside(dirname(left.eventsFile), (name) => isOfRotatingFile(left.eventsFile, name)),
    ...(left.eventsSocket === "" ? [] : [left.eventsSocket]),
  ];
  for (const path of paths) {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch (error) {
      log.error({ err: error, path }, "cannot be removed; remove it by hand");
    }
  }
  log.info({ paths }, "removed: Guardbee is to leave this node");
}

function inside(folder: string, is = (_name: string) => true): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter(is)
    .map((name) => join(folder, name));
}
