import { join } from "node:path";
import type { AttachPoint } from "../compile/plan.ts";
import { enums, layout } from "../gen/layout.ts";
import { bytesOf, read } from "../layout/struct.ts";
import type { BpfObject, Link, Native } from "./native.ts";
import { ownMaps, perCallMaps } from "./own-maps.ts";
import { reuseShared, type SharedMaps } from "./tracking.ts";
import { hasWaiting, type WaitingMaps } from "./waiting-maps.ts";

/**
 * The programs beside one that has events wait for the hash of a file, or leaves to `last`, which is
 * the same program, what is decided by one; by the pins of their links. The kernel runs what was attached
 * last first: what answers is attached first, and the one that decides, behind these, last.
 *
 * Before Linux 6.2 a program is skipped while another task sleeps in it on the same processor. What is
 * decided by a hash then has others that make it; whose are all in use is told no digest.
 */
const objects = {
  ...{ late: "lsm_late.bpf.o", last: undefined, hash: "lsm_hash.bpf.o" },
  ...{ hash2: "lsm_hash.bpf.o", hash3: "lsm_hash.bpf.o", hash4: "lsm_hash.bpf.o" },
} as const;
type HashPin = keyof typeof objects;

const ofEvents: readonly HashPin[] = ["late", "hash"];
const ofDigests: readonly HashPin[] = ["last", "hash", "hash2", "hash3", "hash4"];

/** The pins of their links beside that of a program with such a spec (struct hook_spec). */
export function hashPins(spec: Uint8Array): readonly HashPin[] {
  const { use } = read(spec, layout.hook_spec);
  const { USE_HASHES, USE_DIGESTS } = enums.hook_use;
  const pins = new Set([
    ...((use & USE_HASHES) === 0 ? [] : ofEvents),
    ...((use & USE_DIGESTS) === 0 ? [] : ofDigests),
  ]);
  return (Object.keys(objects) as HashPin[]).filter((pin) => pins.has(pin));
}

/** Whether a pin of a program's folder is the link of one of them. */
export function isHashPin(name: string): boolean {
  return name in objects;
}

/** Whether a pin of a program's folder is a program, and none of those that sleep: the kernel keeps these. */
export function isProgramPin(name: string): boolean {
  return name === "program" || name.endsWith(behind);
}

/** Ends the pins of programs that come behind those that sleep, after the names of their links. */
const behind = "-program";

/** Pins of a program's links in the order in which they may go: what decides before what answers for it. */
export function inOrderToGo(pins: readonly string[]): readonly string[] {
  return [...pins.filter((pin) => !isHashPin(pin)), ...pins.filter(isHashPin)];
}

type HashLoader = {
  readonly native: Native;
  readonly objects: string;
  readonly shared: SharedMaps;
  readonly waiting: WaitingMaps;
};

type Place = {
  readonly folder: string;
  readonly point: AttachPoint;
  readonly spec: Uint8Array;
  /** Of the program that decides, which is loaded: the other one has the same tables. */
  readonly object: BpfObject;
};

/** Attaches them, where such a program needs them. Throws KernelError. */
export function attachHashing(loader: HashLoader, place: Place, links: Map<string, Link>): void {
  for (const pin of hashPins(place.spec)) {
    const { kind, symbol } = place.point;
    const object = loader.native.openObject(join(loader.objects, objects[pin] ?? kind.object));
    try {
      reuseShared(object, loader.shared);
      if (hasWaiting(place.spec)) loader.waiting.lend(object);
      specialise(pin, object, { ...loader, ...place });
      kind.bind(object, place.point);
      object.load();
      if (!pin.startsWith("hash")) object.pinProgram("hook", join(place.folder, `${pin}${behind}`));
      if (kind.attach === undefined) throw new Error(`${symbol}: has no way to attach`);
      const link = kind.attach(object, place.point);
      link.pin(join(place.folder, pin));
      links.set(pin, link);
    } finally {
      object.close();
    }
  }
}

function specialise(pin: HashPin, object: BpfObject, place: Place & HashLoader): void {
  const { point, spec } = place;
  switch (pin) {
    case "late": {
      const use = enums.hook_use.USE_RETURNED;
      const { point: number } = read(spec, layout.hook_spec);
      object.setGlobal("spec", bytesOf(layout.hook_spec, { words: 1, use, point: number }));
      return;
    }
    case "last": {
      const own = Uint8Array.from(spec);
      own[layout.hook_spec.fields.is_hashed.at] = 1;
      object.setGlobal("spec", own);
      shareMaps(object, place);
      return;
    }
    case "hash":
    case "hash2":
    case "hash3":
    case "hash4": {
      const isOfBinprm = point.symbol.startsWith("bprm_") ? 1 : 0;
      object.setGlobal("is_of_binprm", Uint8Array.of(isOfBinprm, 0, 0, 0));
      const { use } = read(spec, layout.hook_spec);
      const isOfEvents = (use & enums.hook_use.USE_HASHES) === 0 ? 0 : 1;
      object.setGlobal("is_of_events", Uint8Array.of(isOfEvents, 0, 0, 0));
    }
  }
}

function shareMaps(object: BpfObject, place: Place & HashLoader): void {
  for (const map of [...ownMaps, ...perCallMaps]) {
    const fd = place.object.mapFd(map);
    try {
      object.reuseMap(map, fd); // takes a descriptor of its own
    } finally {
      place.native.closeFd(fd);
    }
  }
}
