import type { Unfollowed } from "../engine.ts";
import { layout } from "../gen/layout.ts";
import { read } from "../layout/struct.ts";
import type { Native } from "./native.ts";
import type { SharedMaps } from "./tracking.ts";

/** Of the table of followed files what each pod has. */
export class FollowShares {
  readonly #native: Native;
  readonly #shares: number;

  constructor(native: Native, { follow_shares }: SharedMaps) {
    this.#native = native;
    this.#shares = follow_shares;
  }

  /**
   * By pod what could not be followed, since the pod came or some set follows: of the sets that are in
   * force, whose groups are `groups`.
   */
  unfollowed(groups: ReadonlyMap<string, number>): ReadonlyMap<bigint, Unfollowed> {
    const all = new Map<bigint, Unfollowed>();
    for (const [pod, share] of this.#all()) {
      if (share.over_share + share.over_table === 0n) continue;
      const sets = [...groups].filter(([, group]) => (share.groups >> BigInt(group)) & 1n);
      all.set(pod, {
        overShare: Number(share.over_share),
        overTable: Number(share.over_table),
        sets: sets.map(([name]) => name),
      });
    }
    return all;
  }

  /** Deletes the shares that are empty. One that is used meanwhile begins anew. */
  collect(): void {
    for (const [pod, { files, over_share, over_table, lost }] of this.#all()) {
      if (BigInt.asIntN(64, files) > 0n || over_share + over_table + lost > 0n) continue;
      this.#native.remove(this.#shares, u64(pod));
    }
  }

  *#all() {
    const value = new Uint8Array(layout.follow_share.size);
    for (const pod of idsIn(this.#native.keys(this.#shares))) {
      if (!this.#native.lookup(this.#shares, u64(pod), value)) continue;
      yield [pod, read(value, layout.follow_share)] as const;
    }
  }
}

function idsIn(keys: Uint8Array): readonly bigint[] {
  return [...new BigUint64Array(Uint8Array.from(keys).buffer)];
}

function u64(value: bigint): Uint8Array {
  return new Uint8Array(BigUint64Array.of(value).buffer);
}
