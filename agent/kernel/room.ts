import type { Crowding, Unfollowed } from "../engine.ts";
import { layout } from "../gen/layout.ts";
import { read } from "../layout/struct.ts";
import { FollowShares } from "./follow-shares.ts";
import { codeOf, type LossCause, type Losses, lossCauses, readLosses } from "./losses.ts";
import type { Native } from "./native.ts";
import { type SharedTable, TableShares } from "./table-shares.ts";
import type { SharedMaps } from "./tracking.ts";

/** What is lost to a pod that has its share of a table. */
const causeOf: Readonly<Record<SharedTable, LossCause>> = {
  SHARED_SOCKS: "track_full",
  SHARED_WAITING: "return_full",
  SHARED_WAITING_LARGE: "return_full",
};

/** What the kernel's rings and maps had no room for, and who has their room. */
export class Room {
  readonly #native: Native;
  readonly #maps: SharedMaps;
  readonly #files: FollowShares;
  readonly #tables: TableShares;

  constructor(native: Native, maps: SharedMaps) {
    this.#native = native;
    this.#maps = maps;
    this.#files = new FollowShares(native, maps);
    this.#tables = new TableShares(native, maps);
  }

  /** Throws KernelError. */
  losses(): Losses {
    return readLosses(this.#native, this.#maps.losses);
  }

  /** As FollowShares says. */
  unfollowed(groups: ReadonlyMap<string, number>): ReadonlyMap<bigint, Unfollowed> {
    return this.#files.unfollowed(groups);
  }

  /** Throws KernelError. */
  crowding(): Crowding {
    const all = new Map<LossCause, Set<bigint>>();
    const add = (cause: LossCause, pod: bigint) =>
      all.set(cause, (all.get(cause) ?? new Set()).add(pod));
    for (const [table, pods] of this.#tables.used()) {
      for (const pod of pods) add(causeOf[table], pod);
    }
    for (const pod of this.#files.unfollowed(new Map()).keys()) add("follow_full", pod);
    for (const [owner, denied] of this.#deniedEvents()) {
      for (const cause of lossCauses) {
        if ((denied >> BigInt(codeOf(cause))) & 1n) add(cause, owner);
      }
    }
    return new Map([...all].map(([cause, pods]) => [cause, [...pods]]));
  }

  /** Deletes the shares that are empty. */
  collect(): void {
    this.#files.collect();
    this.#tables.collect();
  }

  /** By pod, and outside of pods by cgroup, a bit for each cause. */
  *#deniedEvents(): Generator<readonly [bigint, bigint]> {
    const { event_shares } = this.#maps;
    const keys = this.#native.keys(event_shares);
    const value = new Uint8Array(layout.event_share.size);
    for (let at = 0; at < keys.length; at += 8) {
      const key = keys.slice(at, at + 8);
      if (!this.#native.lookup(event_shares, key, value)) continue;
      yield [Buffer.from(key).readBigUInt64LE(), read(value, layout.event_share).denied];
    }
  }
}
