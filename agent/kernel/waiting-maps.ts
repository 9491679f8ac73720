import { existsSync } from "node:fs";
import { join } from "node:path";
import { enums, layout } from "../gen/layout.ts";
import { read } from "../layout/struct.ts";
import type { BpfObject, Native } from "./native.ts";
import type { Pins } from "./pins.ts";
import type { SharedMaps } from "./tracking.ts";

const { WAITING_MAX, WAITING_LARGE_MAX } = enums.waiting_limit;
/** Of how many events there is room in each: megabytes that few policies need. */
const sizes = { waiting_events: WAITING_MAX, waiting_large: WAITING_LARGE_MAX } as const;
type WaitingMap = keyof typeof sizes;
const names = Object.keys(sizes) as readonly WaitingMap[];
const noPrealloc = 1;

/** Where the maps are pinned that have room, that of the events themselves first. */
export function waitingPins({ maps }: Pick<Pins, "maps">): readonly string[] {
  return names.map((name) => pinOf(maps, name));
}

function pinOf(folder: string, name: WaitingMap): string {
  return join(folder, `${name}_full`);
}

/** Whether a program has events wait or takes such: `spec` is its struct hook_spec. */
export function hasWaiting(spec: Uint8Array): boolean {
  return (read(spec, layout.hook_spec).use & enums.hook_use.USE_RETURNED) !== 0;
}

/** Has an object that is not loaded yet use the maps that have room. Throws KernelError. */
export function lendWaiting(
  {
    native,
    pins,
    shared,
  }: { readonly native: Native; readonly pins: Pins; readonly shared: SharedMaps },
  object: BpfObject,
): void {
  for (const name of names) {
    const path = pinOf(pins.maps, name);
    const isThere = existsSync(path);
    const { keySize, valueSize } = native.mapInfo(shared[name]);
    const shape = { type: "hash", name, keySize, valueSize, flags: noPrealloc } as const;
    const fd = isThere
      ? native.openPinnedMap(path)
      : native.createMap({ ...shape, maxEntries: sizes[name] });
    try {
      if (!isThere) native.pinMap(fd, path);
      object.reuseMap(name, fd); // takes a descriptor of its own
    } finally {
      native.closeFd(fd);
    }
  }
}
