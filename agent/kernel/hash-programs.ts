import { join } from "node:path";
import type { AttachPoint } from "../compile/plan.ts";
import { enums, layout } from "../gen/layout.ts";
import { bytesOf, read } from "../layout/struct.ts";
import type { Link, Native } from "./native.ts";
import { reuseShared, type SharedMaps } from "./tracking.ts";
import type { WaitingMaps } from "./waiting-maps.ts";

/**
 * The programs beside one that has events wait for the hash of a file, by the pins of their links. The
 * kernel runs what was attached last first: the one that answers is attached first, and the one that
 * decides, behind these, last.
 */
const objects = { late: "lsm_late.bpf.o", hash: "lsm_hash.bpf.o" } as const;
type HashPin = keyof typeof objects;

/** The pins of their links beside that of a program with such a spec (struct hook_spec). */
export function hashPins(spec: Uint8Array): readonly HashPin[] {
  const hashes = (read(spec, layout.hook_spec).use & enums.hook_use.USE_HASHES) !== 0;
  return hashes ? (Object.keys(objects) as HashPin[]) : [];
}

/** Whether a pin of a program's folder is the link of one of them. */
export function isHashPin(name: string): boolean {
  return name in objects;
}

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

/** Attaches them, where such a program needs them. Throws KernelError. */
export function attachHashing(
  loader: HashLoader,
  place: { readonly folder: string; readonly point: AttachPoint; readonly spec: Uint8Array },
  links: Map<string, Link>,
): void {
  for (const pin of hashPins(place.spec)) {
    const object = loader.native.openObject(join(loader.objects, objects[pin]));
    try {
      reuseShared(object, loader.shared);
      loader.waiting.lend(object);
      specialise[pin](object, place);
      const { kind, symbol } = place.point;
      kind.bind(object, place.point);
      object.load();
      if (kind.attach === undefined) throw new Error(`${symbol}: has no way to attach`);
      const link = kind.attach(object, place.point);
      link.pin(join(place.folder, pin));
      links.set(pin, link);
    } finally {
      object.close();
    }
  }
}

type Specialised = { readonly point: AttachPoint; readonly spec: Uint8Array };
type Globals = { setGlobal(name: string, value: Uint8Array): void };

const specialise: Readonly<Record<HashPin, (object: Globals, place: Specialised) => void>> = {
  late(object, { spec }) {
    const { point } = read(spec, layout.hook_spec);
    const use = enums.hook_use.USE_RETURNED;
    object.setGlobal("spec", bytesOf(layout.hook_spec, { words: 1, use, point }));
  },
  hash(object, { point }) {
    const isOfBinprm = point.symbol.startsWith("bprm_") ? 1 : 0;
    object.setGlobal("is_of_binprm", Uint8Array.of(isOfBinprm, 0, 0, 0));
  },
};
