import { type AgentEvent, throttleEvent } from "./event.ts";

export type ThrottlesOptions = {
  /** Cgroups that had more events than are reported, since it was last asked. */
  readonly readOver: () => ReadonlySet<bigint>;
  /** How long the rate is counted together. */
  readonly intervalMs: number;
  /** The name of a cgroup's folder; undefined: it is gone. */
  readonly nameOf: (cgroupId: bigint) => string | undefined;
  readonly monotonic: () => number;
  /** Wall-clock milliseconds. */
  readonly now: () => number;
};

type Throttled = { readonly cgroup: string; overAtMs: number };

/** It is looked at so often. */
const lookMs = 1000;

/**
 * Tells when a cgroup begins to have events held back by `--cgroup-rate`, and when that has ended: when
 * none was for a whole interval.
 */
export class Throttles {
  readonly #options: ThrottlesOptions;
  readonly #throttled = new Map<bigint, Throttled>();

  constructor(options: ThrottlesOptions) {
    this.#options = options;
  }

  /** What there is to tell now; asked once a second. */
  take(): readonly AgentEvent[] {
    const { readOver, intervalMs, nameOf, monotonic, now } = this.#options;
    const at = monotonic();
    const events: AgentEvent[] = [];
    for (const id of readOver()) {
      const known = this.#throttled.get(id);
      if (known !== undefined) {
        known.overAtMs = at;
        continue;
      }
      const cgroup = nameOf(id) ?? String(id);
      this.#throttled.set(id, { cgroup, overAtMs: at });
      events.push(throttleEvent("THROTTLE_START", cgroup, now()));
    }
    for (const [id, { cgroup, overAtMs }] of this.#throttled) {
      if (at - overAtMs <= intervalMs + lookMs) continue;
      this.#throttled.delete(id);
      events.push(throttleEvent("THROTTLE_STOP", cgroup, now()));
    }
    return events;
  }
}
