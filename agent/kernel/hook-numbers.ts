import { createHash, randomInt } from "node:crypto";
import type { PlannedHook } from "../compile/plan.ts";
import type { NamedSet, StopCounts } from "../engine.ts";
import { layout } from "../gen/layout.ts";
import { bytesOf, read } from "../layout/struct.ts";
import type { Expected } from "./expected.ts";
import type { Native } from "./native.ts";
import { u32 } from "./pinned-ids.ts";

/**
 * The numbers of hooks, which events carry, and what the kernel counts under each: a hook of the
 * same set and content keeps both, whatever programs serve it and whichever agent runs. No two hooks
 * have the same number, whoever wrote their policies: numbers are drawn, and remembered in the
 * pinned map. Drawn at random, so that an event on its way does not meet the next holder of its own.
 */
export class HookNumbers {
  readonly #native: Native;
  /** The map `stops` of bpf/maps.h. */
  readonly #stops: number;
  readonly #capacity: number;
  readonly #random: () => number;
  /** Digest of the hook (hex) → number: what is in the map. Written by `#draw` and `release`. */
  readonly #byDigest = new Map<string, number>();
  readonly #taken = new Set<number>();
  /** Of the sets that were asked for, by the hook's index. Written by `ensure`. */
  readonly #bySet = new WeakMap<NamedSet, readonly number[]>();

  constructor(native: Native, stops: number, random = () => randomInt(2 ** 32)) {
    this.#native = native;
    this.#random = random;
    this.#stops = stops;
    this.#capacity = native.mapInfo(stops).maxEntries;
    const keys = Buffer.from(native.keys(stops));
    const value = Buffer.alloc(layout.hook_stops.size);
    for (let at = 0; at < keys.length; at += 4) {
      native.lookup(stops, keys.subarray(at, at + 4), value);
      this.#byDigest.set(digestIn(value), keys.readUInt32LE(at));
      this.#taken.add(keys.readUInt32LE(at));
    }
  }

  /** Numbers every hook of a set; false when there is no room to count so many. Throws KernelError. */
  ensure(set: NamedSet): boolean {
    const numbers: number[] = [];
    for (const digest of digestsOf(set)) {
      const number = this.#byDigest.get(digest) ?? this.#draw(Buffer.from(digest, "hex"));
      if (number === undefined) return false;
      numbers.push(number);
    }
    this.#bySet.set(set, numbers);
    return true;
  }

  /** Of a hook whose set `ensure` has numbered. */
  of({ set, index }: Pick<PlannedHook, "set" | "index">): number {
    const number = this.#bySet.get(set)?.[index];
    if (number === undefined) throw new Error(`${set.name}: hook ${index} has no number`);
    return number;
  }

  /** Frees every number that is not in `keep`; no program may have one of the others any more. */
  release(keep: ReadonlySet<number>): void {
    for (const [digest, number] of this.#byDigest) {
      if (keep.has(number)) continue;
      this.#native.remove(this.#stops, u32(number));
      this.#byDigest.delete(digest);
      this.#taken.delete(number);
    }
  }

  /** What hooks of these numbers have stopped together. */
  counts(numbers: Iterable<number>): StopCounts {
    const value = Buffer.alloc(layout.hook_stops.size);
    let [stopped, wouldStop, ofProtected] = [0, 0, 0];
    for (const number of numbers) {
      if (!this.#native.lookup(this.#stops, u32(number), value)) continue;
      const counts = read(value, layout.hook_stops);
      stopped += Number(counts.stopped);
      wouldStop += Number(counts.would_stop);
      ofProtected += Number(counts.of_protected);
    }
    return { stopped, wouldStop, ofProtected };
  }

  /** What the map must have. */
  expected(): Expected {
    const all = [...this.#byDigest];
    return {
      ...{ kind: "state", what: "stops", map: this.#stops, count: all.length },
      key: (index) => u32(all[index]![1]),
      value: (index) => Buffer.from(all[index]![0], "hex"),
      ...{ at: layout.hook_stops.fields.hook.at, restore: () => this.#restore() },
    };
  }

  /** What such a hook had counted is lost. */
  #restore(): void {
    const value = Buffer.alloc(layout.hook_stops.size);
    for (const [digest, number] of this.#byDigest) {
      const there = this.#native.lookup(this.#stops, u32(number), value);
      if (!there || digestIn(value) !== digest) this.#enter(number, Buffer.from(digest, "hex"));
    }
  }

  #draw(digest: Buffer): number | undefined {
    if (this.#taken.size >= this.#capacity) return undefined;
    let number = this.#random();
    while (this.#taken.has(number)) number = this.#random();
    this.#enter(number, digest);
    this.#byDigest.set(digest.toString("hex"), number);
    this.#taken.add(number);
    return number;
  }

  #enter(number: number, digest: Buffer): void {
    this.#native.update(this.#stops, u32(number), bytesOf(layout.hook_stops, { hook: digest }));
  }
}

const digests = new WeakMap<NamedSet, readonly string[]>();

/** What tells each hook of a set from all others, in hex. */
function digestsOf(set: NamedSet): readonly string[] {
  const known = digests.get(set);
  if (known !== undefined) return known;
  const all = [...set.set.hooks.keys()].map((index) =>
    createHash("sha256").update(`${set.name}\n${set.hash}\n${index}`).digest("hex"),
  );
  digests.set(set, all);
  return all;
}

function digestIn(stops: Uint8Array): string {
  return Buffer.from(read(stops, layout.hook_stops).hook).toString("hex");
}
