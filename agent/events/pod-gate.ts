import type { Process } from "../process/process.ts";
import type { ProcessTree } from "../process/tree.ts";
import type { PodContainer, PodLookup } from "../scope/pod-container.ts";

export type PodGateOptions = {
  /** Is told in which container a process lives. */
  readonly tree: Pick<ProcessTree, "assign">;
  /** Without it no process has a pod, and nothing waits. */
  readonly pods?: PodLookup;
  /** Milliseconds that never go backwards. */
  readonly monotonic: () => number;
  /** How long the events of a container wait for its pod; default 10 s. */
  readonly limitMs?: number;
  /** How many events may wait at once; default 16384. The longest waiting container goes first. */
  readonly limitCount?: number;
  /** How many bytes they may have; default 16 MiB. */
  readonly limitBytes?: number;
};

export type PodGateStats = {
  /** Events that wait now. */
  readonly waiting: number;
  /** Containers whose events went out without a pod, by why. */
  readonly expired: { readonly time: number; readonly space: number };
};

/**
 * Holds the events of containers whose pod is not known yet, in their order, and releases them when
 * it is, or as they are when that takes too long. After that the container's events no longer wait.
 */
export class PodGate {
  /** By cgroup id, in the order in which they began to wait. */
  readonly #waits = new Map<bigint, Wait>();
  readonly #options: PodGateOptions;
  readonly #limitMs: number;
  readonly #limitCount: number;
  readonly #limitBytes: number;
  #waiting = 0;
  #waitingBytes = 0;
  readonly #expired = { time: 0, space: 0 };

  constructor(options: PodGateOptions) {
    this.#options = options;
    this.#limitMs = options.limitMs ?? 10_000;
    this.#limitCount = options.limitCount ?? 16384;
    this.#limitBytes = options.limitBytes ?? 16 * 1024 * 1024;
  }

  /**
   * Whether an event of `process` may go out now; otherwise `hold` it. Asks for its pod: once that is
   * known, the container's events that were held go out before this returns.
   */
  release(process: Process): boolean {
    const { pods } = this.#options;
    if (pods === undefined || process.container !== undefined) return true;
    const { cgroupId, docker } = process.image;
    const found = pods.byCgroup(cgroupId);
    const wait = this.#waits.get(cgroupId);
    if (found !== undefined) {
      if (wait !== undefined) this.#releaseAll(cgroupId, wait, found);
      this.#options.tree.assign(process, found);
      return true;
    }
    return docker === "" || wait?.expired === true;
  }

  /** Calls `emit`, which keeps `bytes`, later, after the events that were held before it. */
  hold(process: Process, bytes: number, emit: () => void): void {
    const { cgroupId } = process.image;
    let wait = this.#waits.get(cgroupId);
    if (wait === undefined) {
      wait = { sinceMs: this.#options.monotonic(), events: [], expired: false };
      this.#waits.set(cgroupId, wait);
    }
    wait.events.push({ process, bytes, emit });
    this.#waiting++;
    this.#waitingBytes += bytes;
    while (this.#waiting > this.#limitCount || this.#waitingBytes > this.#limitBytes) {
      this.#makeSpace();
    }
  }

  /** Asks again for every pod that events wait for. To be called about every 200 ms. */
  retry(): void {
    const dueMs = this.#options.monotonic() - this.#limitMs;
    for (const [cgroupId, wait] of this.#waits) {
      if (wait.expired) continue;
      const found = this.#options.pods?.byCgroup(cgroupId);
      if (found !== undefined) this.#releaseAll(cgroupId, wait, found);
      else if (wait.sinceMs <= dueMs) this.#expire(wait, "time");
    }
    this.#forgetSome();
  }

  /** Releases everything as it is: the end. */
  flush(): void {
    for (const wait of this.#waits.values()) this.#emit(wait, undefined);
    this.#waits.clear();
  }

  stats(): PodGateStats {
    return { waiting: this.#waiting, expired: { ...this.#expired } };
  }

  #releaseAll(cgroupId: bigint, wait: Wait, found: PodContainer): void {
    this.#waits.delete(cgroupId);
    this.#emit(wait, found);
  }

  #expire(wait: Wait, why: "time" | "space"): void {
    wait.expired = true;
    this.#expired[why]++;
    this.#emit(wait, undefined);
  }

  #makeSpace(): void {
    const longest = [...this.#waits.values()].find(({ events }) => events.length > 0);
    if (longest !== undefined) this.#expire(longest, "space");
  }

  #emit(wait: Wait, found: PodContainer | undefined): void {
    const { events } = wait;
    wait.events = [];
    this.#waiting -= events.length;
    for (const { process, bytes, emit } of events) {
      this.#waitingBytes -= bytes;
      if (found !== undefined) this.#options.tree.assign(process, found);
      emit();
    }
  }

  /** A container whose wait expired and is forgotten would only wait once more. */
  #forgetSome(): void {
    for (const [cgroupId, { expired }] of this.#waits) {
      if (this.#waits.size <= rememberedContainers) return;
      if (expired) this.#waits.delete(cgroupId);
    }
  }
}

type Wait = {
  readonly sinceMs: number;
  events: { readonly process: Process; readonly bytes: number; readonly emit: () => void }[];
  expired: boolean;
};

const rememberedContainers = 4096;
