import type { DifferenceKind } from "../engine.ts";
import type { Native } from "./native.ts";

/** Entries of a map as this agent wrote them. Each is asked for when it is compared. */
export type Expected = {
  readonly kind: DifferenceKind;
  readonly what: string;
  /** As in Difference. */
  readonly sets?: readonly string[];
  readonly map: number;
  readonly count: number;
  key(index: number): Uint8Array;
  /** What the entry has from byte `at` on, or the beginning; undefined: there is no such entry. */
  value(index: number): Uint8Array | undefined;
  /** What is before, the kernel writes. */
  readonly at?: number;
  /** The kernel removes entries by itself: whether it may have, of those that are not there. Slow. */
  readonly mayEnd?: () => boolean;
  /** Writes what is not as expected. Throws KernelError. Absent: programming again does. */
  readonly restore?: () => void;
};

/** `gone`: an entry that may end is not there; nothing else is other than expected. */
export type Changed = { readonly expected: Expected; readonly gone: boolean };

/**
 * Reads maps back, so many entries at a time: where there are more, the next call goes on behind
 * them. The kernel is asked on other threads.
 */
export class ReadBack {
  readonly #native: Native;
  readonly #entriesMax: number;
  /** How many of all entries the calls before have read. Written by `find`. */
  #at = 0;

  constructor(native: Native, entriesMax: number) {
    this.#native = native;
    this.#entriesMax = entriesMax;
  }

  /** Those of `all` of which an entry that was read is not as expected. Throws KernelError. */
  async find(all: readonly Expected[]): Promise<readonly Changed[]> {
    const total = all.reduce((sum, { count }) => sum + count, 0);
    const from = total <= this.#entriesMax ? 0 : this.#at % total;
    const end = from + Math.min(total, this.#entriesMax);
    this.#at = end;
    const reads: Promise<Changed | undefined>[] = [];
    let first = 0;
    // Twice around: what does not fit behind `from` is at the beginning.
    for (const expected of [...all, ...all]) {
      const [start, stop] = [Math.max(first, from), Math.min(first + expected.count, end)];
      if (start < stop) reads.push(this.#compare(expected, start - first, stop - first));
      first += expected.count;
    }
    return (await Promise.all(reads)).filter((one) => one !== undefined);
  }

  async #compare(expected: Expected, start: number, stop: number): Promise<Changed | undefined> {
    const indices = Array.from({ length: stop - start }, (_, i) => start + i);
    const keys = Buffer.concat(indices.map((index) => expected.key(index)));
    const { found, values } = await this.#native.lookupMany(expected.map, keys);
    const size = values.length / indices.length;
    let gone = false;
    for (const [i, index] of indices.entries()) {
      const want = expected.value(index);
      if (found[i] === 0 && want !== undefined && expected.mayEnd) {
        gone = true;
        continue;
      }
      const at = i * size + (expected.at ?? 0);
      const there = found[i] === 1 ? values.subarray(at, at + (want?.length ?? 0)) : undefined;
      if (!same(want, there)) return { expected, gone: false };
    }
    return gone ? { expected, gone } : undefined;
  }
}

function same(want: Uint8Array | undefined, there: Uint8Array | undefined): boolean {
  if (want === undefined || there === undefined) return want === there;
  return Buffer.compare(want, there) === 0;
}
