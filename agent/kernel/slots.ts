import type { Entry } from "../compile/keys.ts";
import type { MapSpec, Native, SlotOf } from "./native.ts";
import { u32 } from "./pinned-ids.ts";

/** BPF_F_INNER_MAP: arrays of any length may take each other's place in a map of maps (5.10). */
export const innerMap = 0x1000;

/** A change that was not made yet; `settle` is told once whether it was. */
type Pending = SlotOf & { readonly settle: (made: boolean) => void };

/** So many maps are held open for changes that are not made yet. */
const mostPending = 128;

/**
 * Changes of maps of maps that are made together: the kernel answers each after an RCU grace period,
 * tens of milliseconds (maybe_wait_bpf_programs: updates and removals since 5.0, lookups until 6.8,
 * too), so nothing is asked or done again that is known.
 */
export class SlotChanges {
  readonly #native: Native;
  /** Written by `add` and `#settle`. */
  #pending: Pending[] = [];

  constructor(native: Native) {
    this.#native = native;
  }

  /** Makes what `collect` adds. What was not made when something fails is given up. */
  static make(native: Native, collect: (changes: SlotChanges) => void): void {
    const changes = new SlotChanges(native);
    try {
      collect(changes);
      changes.make();
    } finally {
      changes.abandon();
    }
  }

  /** Makes the change together with others, `make()` at the latest. */
  add(change: Pending): void {
    this.#pending.push(change);
    if (this.#pending.length >= mostPending) this.make();
  }

  /** Makes what was added. Throws KernelError with the first that the kernel refuses. */
  make(): void {
    if (this.#pending.length === 0) return;
    const refused: unknown[] = [];
    const done = this.#native.changeSlots(this.#pending);
    this.#settle((change, i) => done[i] === true || this.#makeAlone(change, refused));
    if (refused.length > 0) throw refused[0];
  }

  /** Gives up what was not made. */
  abandon(): void {
    this.#settle(() => false);
  }

  #settle(isMade: (change: Pending, i: number) => boolean): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const [i, change] of pending.entries()) change.settle(isMade(change, i));
  }

  #makeAlone({ map, slot, inner }: Pending, refused: unknown[]): boolean {
    try {
      if (inner === undefined) this.#native.remove(map, u32(slot));
      else this.#native.update(map, u32(slot), u32(inner));
      return true;
    } catch (error) {
      refused.push(error);
      return false;
    }
  }
}

/** A map of maps with one map a slot. */
export class Slots {
  readonly #native: Native;
  readonly #outer: number;
  /** Slots that surely have no map. Written by `put` and `distrust`, and when what `clear` asked for is made. */
  readonly #empty: Set<number>;
  /** The id of the map that was put into a slot. Written by `put` and `clear`. */
  readonly #ids = new Map<number, number>();

  /** `fresh`: just made, so nothing can be in it. The caller closes `outer`. */
  constructor(native: Native, outer: number, { fresh }: { readonly fresh: boolean }) {
    this.#native = native;
    this.#outer = outer;
    this.#empty = new Set(fresh ? [0, 1] : []);
  }

  put(slot: number, inner: number, { changes, settle }: Put): void {
    this.#empty.delete(slot);
    const id = this.#native.mapInfo(inner).id;
    const known = (made: boolean) => {
      if (made) this.#ids.set(slot, id);
      settle(made);
    };
    changes.add({ map: this.#outer, slot, inner, settle: known });
  }

  /** What a look-up of the slot gives: the id of its map, or undefined when it has none. */
  expected(slot: number): Uint8Array | undefined {
    const id = this.#ids.get(slot);
    return id === undefined ? undefined : u32(id);
  }

  /** Somebody else may have written: nothing is taken for known. */
  distrust(): void {
    this.#empty.clear();
  }

  /** Puts a new map with these entries in, which nobody can change; without any, the slot has none. */
  fill(
    slot: number,
    shape: Omit<MapSpec, "maxEntries">,
    { entries, changes }: { readonly entries: readonly Entry[]; readonly changes: SlotChanges },
  ): void {
    if (entries.length === 0) {
      this.clear(slot, changes);
      return;
    }
    const inner = this.#native.createMap({ ...shape, maxEntries: entries.length });
    const settle = () => this.#native.closeFd(inner);
    try {
      const keys = Buffer.concat(entries.map(({ key }) => key));
      const values = Buffer.concat(entries.map(({ value }) => value));
      this.#native.updateBatch(inner, keys, values, entries.length);
      this.#native.freeze(inner);
    } catch (error) {
      settle();
      throw error;
    }
    this.put(slot, inner, { changes, settle });
  }

  clear(slot: number, changes: SlotChanges): void {
    if (this.#empty.has(slot)) return;
    const settle = (made: boolean) => {
      if (!made) return;
      this.#empty.add(slot);
      this.#ids.delete(slot);
    };
    changes.add({ map: this.#outer, slot, settle });
  }
}

/** Together with what a map is put in a slot; `settle` learns whether it was. */
type Put = { readonly changes: SlotChanges; readonly settle: Pending["settle"] };

type OpenArray = { readonly fd: number; readonly length: number };
/** An array that a slot holds, and what is in it, entry by entry. */
export type SlotArray = { readonly fd: number; readonly values: readonly Uint8Array[] };

/** Slots that hold arrays. One of the same length is written anew in place. */
export class ArraySlots {
  readonly #native: Native;
  readonly #slots: Slots;
  readonly #name: string;
  /** By slot. Written when what `write` asked for is made, and by `close`. */
  readonly #arrays = new Map<number, OpenArray>();
  /** By slot. Written by `write` and `set`. */
  readonly #values = new Map<number, Uint8Array[]>();
  /** Slots that may have another array. Written by `write` and `distrust`. */
  readonly #suspect = new Set<number>();

  /** `name`: of the arrays. The caller closes `outer`. */
  constructor(native: Native, outer: number, name: string) {
    this.#native = native;
    this.#slots = new Slots(native, outer, { fresh: false });
    this.#name = name;
  }

  /** Fills a slot that no program reads, once `changes` are made. Gives back the array, which stays open. */
  write(
    slot: number,
    values: readonly Uint8Array[],
    { valueSize, changes }: { readonly valueSize: number; readonly changes: SlotChanges },
  ): number {
    const there = this.#arrays.get(slot);
    this.#values.set(slot, [...values]);
    if (there?.length === values.length && !this.#suspect.has(slot)) {
      this.#setAll(there.fd, values);
      return there.fd;
    }
    const fd = this.#make(values.length, valueSize);
    try {
      this.#setAll(fd, values);
    } catch (error) {
      this.#native.closeFd(fd);
      throw error;
    }
    const settle = (made: boolean) => {
      // Only now: what the slot does not hold must not be written in its place.
      if (made) {
        this.#arrays.set(slot, { fd, length: values.length });
        this.#suspect.delete(slot);
      }
      const left = made ? there?.fd : fd;
      if (left !== undefined) this.#native.closeFd(left);
    };
    this.#slots.put(slot, fd, { changes, settle });
    return fd;
  }

  /** Writes one entry of what `write` filled. */
  set(slot: number, index: number, value: Uint8Array): void {
    const [there, values] = [this.#arrays.get(slot), this.#values.get(slot)];
    if (there === undefined || values === undefined) throw new Error("no slot was written");
    this.#native.update(there.fd, u32(index), value);
    values[index] = value;
  }

  /** The array in a slot that `write` filled, and what must be in it. */
  expected(slot: number): SlotArray | undefined {
    const [there, values] = [this.#arrays.get(slot), this.#values.get(slot)];
    return there === undefined || values === undefined ? undefined : { fd: there.fd, values };
  }

  /** What a look-up of the slot gives. */
  expectedId(slot: number): Uint8Array | undefined {
    return this.#slots.expected(slot);
  }

  /** Somebody else may have put other arrays in: `write` makes new ones. */
  distrust(): void {
    for (const slot of this.#arrays.keys()) this.#suspect.add(slot);
    this.#slots.distrust();
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
