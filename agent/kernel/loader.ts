import type { Native } from "./native.ts";
import type { Pins } from "./pins.ts";
import { ProgramFiles } from "./program-files.ts";
import { RetiredPrograms } from "./retired-programs.ts";
import type { SharedMaps } from "./tracking.ts";
import { WaitingMaps } from "./waiting-maps.ts";

/** What programs are loaded and attached with. */
export type Loader = {
  readonly native: Native;
  readonly pins: Pins;
  readonly objects: string;
  readonly shared: SharedMaps;
  readonly files: ProgramFiles;
  readonly waiting: WaitingMaps;
  readonly retired: RetiredPrograms;
};

/** `hostRoot`: where the node's files are; absent: they are the agent's own. */
export function openLoader(
  of: Pick<Loader, "native" | "pins" | "objects" | "shared"> & { readonly hostRoot?: string },
): Loader {
  const { native, pins, objects, shared, hostRoot = "/" } = of;
  return {
    ...{ native, pins, objects, shared },
    files: new ProgramFiles(native, hostRoot),
    waiting: new WaitingMaps(native, pins, shared),
    retired: new RetiredPrograms(native, pins, shared.hashing),
  };
}
