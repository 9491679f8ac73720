import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import type { Native } from "./native.ts";
import type { Pinned } from "./pinned.ts";

/**
 * Small numbers for names, the same after a restart: a pinned map from number to the name's digest.
 * Kernel tables hold the numbers, so they live as long as those do, and nowhere else.
 */
export class PinnedIds {
  readonly #native: Native;
  readonly #fd: number;
  readonly #path: string;
  readonly #first: number;
  readonly #limit: number;
  /** Digest (hex) → number; written by `ensure` and `release` only. */
  readonly #numbers = new Map<string, number>();
  /** Those of names that were asked for, so that these need no digest again. */
  readonly #known = new Map<string, number>();

  constructor(
    native: Native,
    path: string,
    range: { readonly first: number; readonly limit: number },
  ) {
    this.#native = native;
    this.#path = path;
    this.#first = range.first;
    this.#limit = range.limit;
    if (existsSync(path)) {
      this.#fd = native.openPinnedMap(path);
    } else {
      this.#fd = native.createMap({
        type: "hash",
        name: "gb_ids",
        keySize: 4,
        valueSize: 32,
        maxEntries: range.limit,
        flags: 1,
      });
      native.pinMap(this.#fd, path);
    }
    const keys = Buffer.from(native.keys(this.#fd));
    for (let at = 0; at < keys.length; at += 4) {
      const digest = Buffer.alloc(32);
      native.lookup(this.#fd, keys.subarray(at, at + 4), digest);
      this.#numbers.set(digest.toString("hex"), keys.readUInt32LE(at));
    }
  }

  /** The number of `name`, newly given when it has none; undefined when all are taken. */
  ensure(name: string): number | undefined {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const digest = createHash("sha256").update(name).digest();
    const number = this.#numbers.get(digest.toString("hex")) ?? this.#give(digest);
    if (number !== undefined) this.#known.set(name, number);
    return number;
  }

  #give(digest: Buffer): number | undefined {
    const taken = new Set(this.#numbers.values());
    for (let number = this.#first; number < this.#limit; number++) {
      if (taken.has(number)) continue;
      this.#native.update(this.#fd, u32(number), digest);
      this.#numbers.set(digest.toString("hex"), number);
      return number;
    }
    return undefined;
  }

  /** The number of the name with that SHA-256, in hex; undefined when it has none. */
  ofDigest(digest: string): number | undefined {
    return this.#numbers.get(digest);
  }

  /** Frees every number that is not in `keep`. The caller knows that no table holds the others. */
  release(keep: ReadonlySet<number>): void {
    for (const [digest, number] of this.#numbers) {
      if (keep.has(number)) continue;
      this.#native.remove(this.#fd, u32(number));
      this.#numbers.delete(digest);
    }
    for (const [name, number] of this.#known) if (!keep.has(number)) this.#known.delete(name);
  }

  pinned(): Pinned {
    return { path: this.#path, map: this.#fd };
  }

  numbers(): readonly number[] {
    return [...this.#numbers.values()];
  }
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
