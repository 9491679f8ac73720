import type { Native } from "./native.ts";
import { u32 } from "./pinned-ids.ts";

/** struct engine_state of bpf/maps.h: the one place that a flip writes. */
export class EngineState {
  readonly #native: Native;
  readonly #fd: number;
  readonly #value = Buffer.alloc(16);
  /** A map-in-map of our own and the map in it, only for `waitForReaders`. */
  readonly #fence: readonly [outer: number, inner: number];

  constructor(native: Native, fd: number) {
    this.#native = native;
    this.#fd = fd;
    native.lookup(fd, u32(0), this.#value);
    const spec = { name: "gb_fence", keySize: 4, valueSize: 4, maxEntries: 1 };
    const inner = native.createMap({ ...spec, type: "array" });
    const outer = native.createMap({ ...spec, type: "array_of_maps", innerMapFd: inner });
    this.#fence = [outer, inner];
  }

  get active(): number {
    return this.#value.readUInt32LE(0) & 1;
  }

  /** Puts `slot` in force for every program at once. */
  flip(slot: number): void {
    // Never 0: that is the generation of a process whose binary was never looked up.
    const last = Math.max(this.#value.readUInt32LE(8), this.#value.readUInt32LE(12));
    this.#value.writeUInt32LE(last + 1, 8 + 4 * slot);
    // Readers take `active` before the generation of its slot, so that one is written first.
    const generation = Buffer.from(this.#value);
    this.#native.update(this.#fd, u32(0), generation);
    this.#value.writeUInt32LE(slot, 0);
    this.#native.update(this.#fd, u32(0), this.#value);
  }

  /**
   * Returns when every program that had read the old state has ended: the kernel waits for that
   * whenever user space updates a map-in-map (maybe_wait_bpf_programs, since 5.0).
   */
  waitForReaders(): void {
    this.#native.update(this.#fence[0], u32(0), u32(this.#fence[1]));
  }

  /** The running agent is in no scope. */
  setAgentPid(pid: number): void {
    this.#value.writeUInt32LE(pid, 4);
    this.#native.update(this.#fd, u32(0), this.#value);
  }
}
