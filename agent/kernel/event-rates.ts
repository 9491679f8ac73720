import { layout } from "../gen/layout.ts";
import { offsetsOf } from "../layout/struct.ts";
import type { Native } from "./native.ts";
import type { CgroupRate } from "./rate.ts";

const { since: sinceAt, count: countAt } = offsetsOf(layout.event_rate).u64;

/** Which cgroups have had more events about their processes than `--cgroup-rate` lets be reported. */
export class EventRates {
  readonly #native: Native;
  readonly #map: number;
  readonly #rate: CgroupRate;
  /** What was there when it was last read, of those over the rate. */
  #before = new Map<bigint, string>();

  constructor(native: Native, map: number, rate: CgroupRate) {
    this.#native = native;
    this.#map = map;
    this.#rate = rate;
  }

  get intervalMs(): number {
    return this.#rate.intervalMs;
  }

  /** Cgroup ids of pods, and outside of pods of others, that had too many since it was last read. */
  readOver(): ReadonlySet<bigint> {
    const keys = Buffer.from(this.#native.keys(this.#map));
    const value = Buffer.alloc(layout.event_rate.size);
    const now = new Map<bigint, string>();
    const over = new Set<bigint>();
    for (let at = 0; at + 8 <= keys.length; at += 8) {
      if (!this.#native.lookup(this.#map, keys.subarray(at, at + 8), value)) continue;
      const count = value.readBigUInt64LE(countAt);
      if (count <= BigInt(this.#rate.events)) continue;
      const id = keys.readBigUInt64LE(at);
      const text = `${value.readBigUInt64LE(sinceAt)} ${count}`;
      now.set(id, text);
      if (this.#before.get(id) !== text) over.add(id); // else nothing has happened there
    }
    this.#before = now;
    return over;
  }
}
