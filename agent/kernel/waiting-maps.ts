import { existsSync } from "node:fs";
import { join } from "node:path";
import { enums, layout } from "../gen/layout.ts";
import { offsetsOf } from "../layout/struct.ts";
import type { BpfObject, Native } from "./native.ts";
import type { Pinned } from "./pinned.ts";
import { type Pins, removePins } from "./pins.ts";
import { TableShares } from "./table-shares.ts";
import type { SharedMaps } from "./tracking.ts";

const { WAITING_MAX, WAITING_LARGE_MAX } = enums.waiting_limit;
/** Of how many events there is room in each: megabytes that few policies need. */
const sizes = { waiting_events: WAITING_MAX, waiting_large: WAITING_LARGE_MAX } as const;
type WaitingMap = keyof typeof sizes;
const names = Object.keys(sizes) as readonly WaitingMap[];
const noPrealloc = 1;
const { u32 } = offsetsOf(layout.hook_spec);

/** Where the maps are pinned that have room, that of the events themselves first. */
export function waitingPins({ maps }: Pick<Pins, "maps">): readonly string[] {
  return names.map((name) => pinOf(maps, name));
}

function pinOf(folder: string, name: WaitingMap): string {
  return join(folder, `${name}_full`);
}

/** Whether a program has events wait or takes such: `spec` is its struct hook_spec. */
export function hasWaiting(spec: Uint8Array): boolean {
  const use = new DataView(spec.buffer, spec.byteOffset).getUint32(u32.use, true);
  return (use & enums.hook_use.USE_RETURNED) !== 0;
}

/**
 * The maps that have room, which are there only while a program needs them. They stay open, so that they
 * can be pinned again where somebody removes a pin.
 */
export class WaitingMaps {
  readonly #native: Native;
  readonly #pins: Pins;
  readonly #shared: SharedMaps;
  /** Written by `ensure` and `remove`. */
  #open: ReadonlyMap<WaitingMap, number> = new Map();

  constructor(native: Native, pins: Pins, shared: SharedMaps) {
    this.#native = native;
    this.#pins = pins;
    this.#shared = shared;
  }

  /** Opens what is pinned, or makes it; that of the events themselves is the first. Throws KernelError. */
  ensure(): readonly number[] {
    if (this.#open.size === 0) {
      this.#open = new Map(names.map((name) => [name, this.#openOne(name)]));
    }
    return [...this.#open.values()];
  }

  /** Has an object that is not loaded yet use them. Throws KernelError. */
  lend(object: BpfObject): void {
    this.ensure();
    for (const [name, fd] of this.#open) object.reuseMap(name, fd); // takes a descriptor of its own
  }

  /** No program needs them any more. */
  remove(): void {
    if (this.#open.size === 0 && !waitingPins(this.#pins).some((path) => existsSync(path))) return;
    for (const fd of this.#open.values()) this.#native.closeFd(fd);
    this.#open = new Map();
    for (const path of waitingPins(this.#pins)) removePins(path);
    const shares = new TableShares(this.#native, this.#shared);
    shares.forget("SHARED_WAITING", "SHARED_WAITING_LARGE");
  }

  pinned(): readonly Pinned[] {
    return [...this.#open].map(([name, map]) => ({ path: pinOf(this.#pins.maps, name), map }));
  }

  #openOne(name: WaitingMap): number {
    const path = pinOf(this.#pins.maps, name);
    if (existsSync(path)) return this.#native.openPinnedMap(path);
    const { keySize, valueSize } = this.#native.mapInfo(this.#shared[name]);
    const shape = { type: "hash", name, keySize, valueSize, flags: noPrealloc } as const;
    const fd = this.#native.createMap({ ...shape, maxEntries: sizes[name] });
    this.#native.pinMap(fd, path);
    return fd;
  }
}
