import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import { FollowedTable } from "./followed-table.ts";
import type { Loader } from "./loader.ts";
import type { Native } from "./native.ts";
import type { PinnedIds } from "./pinned-ids.ts";

export type Adopting = {
  readonly loader: Loader;
  /** The groups of this version, by the digests of their sets' names. */
  readonly ids: PinnedIds;
  /** Returns when every program that runs now has ended. */
  readonly fence: () => void;
};

/** Takes over what programs of other versions follow, and removes them. Throws KernelError. */
export function replaceOtherVersions(adopting: Adopting, log: Logger): void {
  for (const path of adopting.loader.pins.otherVersions()) {
    adopting.fence(); // what ran before cgroups had their classes may have let a file be
    if (adoptFollowed(path, adopting)) {
      adopting.loader.retired.removeVersion(path);
      log.info({ path }, "removed pins of another version");
    } else {
      log.error({ path }, "no room for all files that another version follows: it stays");
    }
  }
}

/**
 * Follows what programs of another version follow, whose pins are in `root`. The caller attaches its
 * own before and detaches the others after it: so what is opened meanwhile both see. False where
 * there is no room for all: the others are to stay.
 *
 * Every version has the address of the file as key, and begins the value with its groups; `pod` may
 * follow. Groups are numbered anew: both sides know the digests of their sets' names.
 */
export function adoptFollowed(root: string, { loader, ids, fence }: Adopting): boolean {
  const { native } = loader;
  const maps = join(root, "maps");
  const [files, groups] = [join(maps, "followed"), join(maps, "follow_groups")];
  if (!existsSync(files) || !existsSync(groups)) return true;
  const followed = native.openPinnedMap(files);
  const numbers = native.openPinnedMap(groups);
  try {
    const others = new Others(native, followed, translation(native, numbers, ids));
    const all = others.all();
    if (all.length === 0) return true;
    return FollowedTable.with(loader, (table) => take(all, { others, table, fence }));
  } finally {
    native.closeFd(followed);
    native.closeFd(numbers);
  }
}

function take(
  all: readonly bigint[],
  { others, table, fence }: Pick<Adopting, "fence"> & { others: Others; table: FollowedTable },
): boolean {
  const adopt = (file: bigint): boolean => {
    const value = others.of(file);
    return value === undefined || table.adopt(file, value);
  };
  if (!all.map(adopt).every(Boolean)) return false;
  // A file may have gone while it was taken, after this version's program had looked for it.
  fence();
  for (const file of all) {
    if (others.of(file) !== undefined) continue;
    table.forget(file);
    if (!adopt(file)) return false; // the kernel's next file at that address
  }
  return true;
}

type Followed = { readonly groups: bigint; readonly pod: bigint };

/** The table of the other version, with the groups of this one. */
class Others {
  readonly #native: Native;
  readonly #map: number;
  readonly #value: Buffer;
  readonly #groups: ReadonlyMap<bigint, bigint>;

  /** `groups`: the bit of this version by that of the other. */
  constructor(native: Native, map: number, groups: ReadonlyMap<bigint, bigint>) {
    this.#native = native;
    this.#map = map;
    this.#value = Buffer.alloc(native.mapInfo(map).valueSize);
    this.#groups = groups;
  }

  /** The files that some set of this version follows. */
  all(): readonly bigint[] {
    const keys = Uint8Array.from(this.#native.keys(this.#map));
    return [...new BigUint64Array(keys.buffer)].filter((file) => this.of(file) !== undefined);
  }

  of(file: bigint): Followed | undefined {
    const key = new Uint8Array(BigUint64Array.of(file).buffer);
    if (!this.#native.lookup(this.#map, key, this.#value)) return undefined;
    const bits = this.#value.readBigUInt64LE(0);
    const groups = [...this.#groups].reduce(
      (sum, [theirs, ours]) => ((bits & theirs) === 0n ? sum : sum | ours),
      0n,
    );
    if (groups === 0n) return undefined;
    return { groups, pod: this.#value.length < 16 ? 0n : this.#value.readBigUInt64LE(8) };
  }
}

/** The bit of this version by that of the other, for sets that both have. */
function translation(native: Native, numbers: number, ids: PinnedIds): ReadonlyMap<bigint, bigint> {
  const keys = Buffer.from(native.keys(numbers));
  const digest = Buffer.alloc(32);
  const bits = new Map<bigint, bigint>();
  for (let at = 0; at < keys.length; at += 4) {
    if (!native.lookup(numbers, keys.subarray(at, at + 4), digest)) continue;
    const ours = ids.ofDigest(digest.toString("hex"));
    if (ours !== undefined) bits.set(1n << BigInt(keys.readUInt32LE(at)), 1n << BigInt(ours));
  }
  return bits;
}
