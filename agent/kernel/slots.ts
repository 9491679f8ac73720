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

/** A map in a slot. Open as long as a slot holds it, to be put in the other or written to. */
type Inner = {
  readonly fd: number;
  readonly id: number;
  /** Of an array, what is in it, entry by entry. */
  readonly values?: Uint8Array[];
};

/** Together with what a map is put in a slot, and what it is to have. */
type Filling = { readonly shape: Omit<MapSpec, "maxEntries">; readonly changes: SlotChanges };

/** How a new map gets what it is to have, and, of an array, what that is. */
type Contents = { readonly fillIt: () => void; readonly values?: Uint8Array[] };

/** An array that a slot holds, and what is in it, entry by entry. */
export type SlotArray = { readonly fd: number; readonly values: readonly Uint8Array[] };

/** A map of maps with two slots. */
export class Slots {
  readonly #native: Native;
  readonly #outer: number;
  /** By slot; undefined: what is there, if anything, is not ours. Written when what was asked for is made, and by `close`. */
  readonly #inner: (Inner | undefined)[] = [undefined, undefined];
  /** Slots that surely hold what `#inner` says. Written as that is, and by `distrust`. */
  readonly #sure: Set<number>;

  /** `fresh`: just made, so nothing can be in it. The caller closes `outer`. */
  constructor(native: Native, outer: number, { fresh }: { readonly fresh: boolean }) {
    this.#native = native;
    this.#outer = outer;
    this.#sure = new Set(fresh ? [0, 1] : []);
  }

  /** Puts a new map with these entries in, which nobody can change; without any, the slot has none. */
  fill(slot: number, entries: readonly Entry[], { shape, changes }: Filling): void {
    if (entries.length === 0) {
      this.clear(slot, changes);
      return;
    }
    const fd = this.#native.createMap({ ...shape, maxEntries: entries.length });
    const fillIt = () => {
      const keys = Buffer.concat(entries.map(({ key }) => key));
      const values = Buffer.concat(entries.map(({ value }) => value));
      this.#native.updateBatch(fd, keys, values, entries.length);
      this.#native.freeze(fd);
    };
    this.#put(slot, fd, changes, { fillIt });
  }

  /** Puts a new array of these values in. */
  fillArray(slot: number, values: readonly Uint8Array[], { shape, changes }: Filling): void {
    const fd = this.#native.createMap({ ...shape, maxEntries: values.length });
    const fillIt = () => {
      const keys = new Uint8Array(Uint32Array.from(values.keys()).buffer);
      this.#native.updateBatch(fd, keys, Buffer.concat(values), values.length);
    };
    this.#put(slot, fd, changes, { fillIt, values: [...values] });
  }

  /** Gives the slot what the other one holds. */
  share(slot: number, changes: SlotChanges): void {
    this.#change(slot, this.#inner[1 - slot], changes);
  }

  clear(slot: number, changes: SlotChanges): void {
    this.#change(slot, undefined, changes);
  }

  /** Writes one entry of an array. */
  set(slot: number, index: number, value: Uint8Array): void {
    const { fd, values } = this.#inner[slot] ?? {};
    if (fd === undefined || values === undefined) throw new Error("no slot was filled");
    this.#native.update(fd, u32(index), value);
    values[index] = value;
  }

  /** What a look-up of the slot gives: the id of its map, or undefined when it has none. */
  expected(slot: number): Uint8Array | undefined {
    const inner = this.#inner[slot];
    return inner && u32(inner.id);
  }

  /** The array in a slot, and what must be in it. */
  expectedArray(slot: number): SlotArray | undefined {
    const { fd, values } = this.#inner[slot] ?? {};
    return fd === undefined || values === undefined ? undefined : { fd, values };
  }

  /** Somebody else may have written: nothing is taken for known. */
  distrust(): void {
    this.#sure.clear();
  }

  close(): void {
    this.#hold(0, undefined);
    this.#hold(1, undefined);
  }

  #put(slot: number, fd: number, changes: SlotChanges, { fillIt, values }: Contents): void {
    let id: number;
    try {
      fillIt();
      id = this.#native.mapInfo(fd).id;
    } catch (error) {
      this.#native.closeFd(fd);
      throw error;
    }
    this.#change(slot, { fd, id, ...(values && { values }) }, changes);
  }

  #change(slot: number, inner: Inner | undefined, changes: SlotChanges): void {
    if (this.#sure.has(slot) && this.#inner[slot] === inner) return;
    this.#sure.delete(slot);
    const settle = (made: boolean) => {
      if (made) {
        this.#hold(slot, inner);
        this.#sure.add(slot);
      } else if (inner !== undefined && !this.#inner.includes(inner)) {
        this.#native.closeFd(inner.fd);
      }
    };
    changes.add({ map: this.#outer, slot, settle, ...(inner && { inner: inner.fd }) });
  }

  #hold(slot: number, inner: Inner | undefined): void {
    const before = this.#inner[slot];
    this.#inner[slot] = inner;
    if (before !== undefined && !this.#inner.includes(before)) this.#native.closeFd(before.fd);
  }
}
