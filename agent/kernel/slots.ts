import type { Entry } from "../compile/keys.ts";
import type { MapSpec, Native } from "./native.ts";
import { u32 } from "./pinned-ids.ts";

/** BPF_F_INNER_MAP: arrays of any length may take each other's place in a map of maps (5.10). */
export const innerMap = 0x1000;

/**
 * A map of maps with one map a slot. The kernel answers each system call on it after an RCU grace
 * period, tens of milliseconds (maybe_wait_bpf_programs: updates and removals since 5.0, lookups
 * until 6.8, too), so nothing is asked or done again that is known.
 */
export class Slots {
  readonly #native: Native;
  readonly #outer: number;
  /** Slots that surely have no map. Written by `put` and `clear`. */
  readonly #empty: Set<number>;

  /** `fresh`: just made, so nothing can be in it. The caller closes `outer`. */
  constructor(native: Native, outer: number, { fresh }: { readonly fresh: boolean }) {
    this.#native = native;
    this.#outer = outer;
    this.#empty = new Set(fresh ? [0, 1] : []);
  }

  put(slot: number, inner: number): void {
    this.#empty.delete(slot);
    this.#native.update(this.#outer, u32(slot), u32(inner));
  }

  /** Puts a new map with these entries in; without any, the slot has none. */
  fill(slot: number, shape: Omit<MapSpec, "maxEntries">, entries: readonly Entry[]): void {
    if (entries.length === 0) {
      this.clear(slot);
      return;
    }
    const inner = this.#native.createMap({ ...shape, maxEntries: entries.length });
    try {
      const keys = Buffer.concat(entries.map(({ key }) => key));
      const values = Buffer.concat(entries.map(({ value }) => value));
      this.#native.updateBatch(inner, keys, values, entries.length);
      this.put(slot, inner);
    } finally {
      this.#native.closeFd(inner);
    }
  }

  clear(slot: number): void {
    if (this.#empty.has(slot)) return;
    this.#native.remove(this.#outer, u32(slot));
    this.#empty.add(slot);
  }
}

type OpenArray = { readonly fd: number; readonly length: number };

/** Slots that hold arrays. One of the same length is written anew in place. */
export class ArraySlots {
  readonly #native: Native;
  readonly #slots: Slots;
  readonly #name: string;
  /** By slot. Written by `write` and `close`. */
  readonly #arrays = new Map<number, OpenArray>();

  /** `name`: of the arrays. The caller closes `outer`. */
  constructor(native: Native, outer: number, name: string) {
    this.#native = native;
    this.#slots = new Slots(native, outer, { fresh: false });
    this.#name = name;
  }

  /** Fills a slot that no program reads. Gives back the array, which stays open. */
  write(slot: number, values: readonly Uint8Array[], valueSize: number): number {
    const there = this.#arrays.get(slot);
    if (there?.length === values.length) {
      this.#setAll(there.fd, values);
      return there.fd;
    }
    const fd = this.#make(values.length, valueSize);
    try {
      this.#setAll(fd, values);
      this.#slots.put(slot, fd);
    } catch (error) {
      this.#native.closeFd(fd);
      throw error;
    }
    // Only now: what the slot does not hold must not be written in its place.
    this.#arrays.set(slot, { fd, length: values.length });
    if (there !== undefined) this.#native.closeFd(there.fd);
    return fd;
  }

  close(): void {
    for (const { fd } of this.#arrays.values()) this.#native.closeFd(fd);
    this.#arrays.clear();
  }

  #setAll(fd: number, values: readonly Uint8Array[]): void {
    const keys = new Uint8Array(Uint32Array.from(values.keys()).buffer);
    this.#native.updateBatch(fd, keys, Buffer.concat(values), values.length);
  }

  #make(length: number, valueSize: number): number {
    const spec = { type: "array", name: this.#name, flags: innerMap } as const;
    return this.#native.createMap({ ...spec, keySize: 4, valueSize, maxEntries: length });
  }
}
