import { layout } from "../gen/layout.ts";
import { read, type Values, write } from "../layout/struct.ts";
import type { Expected } from "./expected.ts";
import type { Native } from "./native.ts";
import { u32 } from "./pinned-ids.ts";

/** struct engine_state of bpf/maps.h: the one place that a flip writes. */
export class EngineState {
  readonly #native: Native;
  readonly #fd: number;
  /** What the map has. Written by `#write`. */
  #value = new Uint8Array(layout.engine_state.size);
  /** A map-in-map of our own and the map in it, only for `waitForReaders`. */
  readonly #fence: readonly [outer: number, inner: number];

  /** `podFiles`: how many followed files a pod may have open. */
  constructor(native: Native, fd: number, podFiles: number) {
    this.#native = native;
    this.#fd = fd;
    native.lookup(fd, u32(0), this.#value);
    this.#write({ pod_files: podFiles });
    const spec = { name: "gb_fence", keySize: 4, valueSize: 4, maxEntries: 1 };
    const inner = native.createMap({ ...spec, type: "array" });
    const outer = native.createMap({ ...spec, type: "array_of_maps", innerMapFd: inner });
    this.#fence = [outer, inner];
  }

  get active(): number {
    return read(this.#value, layout.engine_state).active & 1;
  }

  /** Of the tables in force. */
  get generation(): number {
    return read(this.#value, layout.engine_state).binary_generation[this.active]!;
  }

  /** Puts `slot` in force for every program at once. */
  flip(slot: number, { notesIdentity }: { readonly notesIdentity: boolean }): void {
    // What ran before is compared with what it was when it was first seen: seen by whom, is said before.
    if (notesIdentity) this.#write({ notes_identity: 1 });
    // Never 0: that is the generation of a process whose binary was never looked up.
    const generations = read(this.#value, layout.engine_state).binary_generation;
    const binary_generation = generations.with(slot, Math.max(...generations) + 1);
    // Readers take `active` before the generation of its slot, so that one is written first.
    this.#write({ binary_generation });
    this.#write({ active: slot });
    if (!notesIdentity) this.#write({ notes_identity: 0 });
  }

  /** Both slots have the same: so do executables that were looked up in one of them. */
  settle(): void {
    const generation = this.generation;
    this.#write({ binary_generation: [generation, generation] });
  }

  /** What the map must have. */
  expected(): Expected {
    const common = { kind: "state", what: "engine_state", map: this.#fd, count: 1 } as const;
    return { ...common, key: u32, value: () => this.#value, restore: () => this.#write({}) };
  }

  /**
   * Returns when every program that had read the old state has ended: the kernel waits for that
   * whenever user space updates a map-in-map (maybe_wait_bpf_programs, since 5.0).
   */
  waitForReaders(): void {
    this.#native.update(this.#fence[0], u32(0), u32(this.#fence[1]));
  }

  #write(change: Partial<Values<typeof layout.engine_state>>): void {
    const value = Uint8Array.from(this.#value);
    write(value, layout.engine_state, change);
    this.#native.update(this.#fd, u32(0), value);
    this.#value = value;
  }
}
