import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { layout } from "../gen/layout.ts";
import { bytesOf } from "../layout/struct.ts";
import { openFileFree } from "./followed-table.ts";
import type { BpfObject } from "./native.ts";
import { arePinned, attachShared, OpenProgram, sharedPaths } from "./open-program.ts";
import type { Pinned } from "./pinned.ts";
import { type PinnedIds, u32 } from "./pinned-ids.ts";
import { removePins } from "./pins.ts";
import type { Loader } from "./program.ts";
import { removeAll } from "./remove-all.ts";

/** By what file_free can be attached: the pin of each, its object, and how. */
const ways = {
  fentry: {
    ...{ pin: "file_freed", object: "file_free.bpf.o" },
    attach: (object: BpfObject) => object.attach("file_freed"),
  },
  kprobe: {
    ...{ pin: "file_freed_kprobe", object: "file_free_kprobe.bpf.o" },
    attach: (object: BpfObject) => {
      return object.attachKprobe("file_freed", "security_file_free", { ret: false });
    },
  },
} as const;
type Way = (typeof ways)[keyof typeof ways];

/**
 * The program file_freed, which forgets closed files while some set follows descriptors; without it
 * the kernel's next file at the same address would be taken for the followed one.
 */
export class FileFree {
  readonly #loader: Loader;
  /** By pin, held open, so that it stays attached without that. Written by `ensure` and `remove`. */
  readonly #open = new Map<string, OpenProgram>();

  constructor(loader: Loader) {
    this.#loader = loader;
  }

  /**
   * Attaches it. A kernel that `preempts` skips programs on trampolines, so that it takes a kprobe.
   * Throws KernelError.
   */
  ensure(preempts: boolean): void {
    const way = preempts ? ways.kprobe : ways.fentry;
    if (this.#open.has(way.pin)) return;
    const { native, pins } = this.#loader;
    if (!arePinned(sharedPaths(pins, way.pin))) this.#attach(way);
    this.#open.set(way.pin, OpenProgram.shared(native, pins, way.pin));
  }

  #attach(way: Way): void {
    const { pins } = this.#loader;
    const object = openFileFree(this.#loader, way.object);
    try {
      object.load();
      const names = { program: "file_freed", pin: way.pin };
      attachShared(object, pins, names, () => way.attach(object));
    } finally {
      object.close();
    }
  }

  /** Nobody follows any more: forgets every file, then stops listening for closed ones. */
  remove(ids: PinnedIds): void {
    const { native, pins, shared } = this.#loader;
    const paths = new Set([
      ...fileFreePins(this.#loader),
      ...[...this.#open.keys()].map((pin) => join(pins.links, pin)),
    ]);
    if (paths.size > 0) removeAll(native, shared.followed);
    for (const program of this.#open.values()) {
      program.detach();
      program.close();
    }
    this.#open.clear();
    for (const path of paths) {
      if (existsSync(path)) native.openPinnedLink(path).detach();
      removePins(join(pins.programs, basename(path)));
    }
    if (paths.size > 0) {
      removeAll(native, shared.follow_shares);
      native.update(shared.follow_state, u32(0), bytesOf(layout.follow_state, {}));
    }
    ids.release(new Set());
  }

  pinned(): readonly Pinned[] {
    return [...this.#open.values()].flatMap((program) => program.pinned());
  }
}

/** Where file_free is pinned now. */
export function fileFreePins({ pins }: Loader): readonly string[] {
  return Object.values(ways)
    .map(({ pin }) => join(pins.links, pin))
    .filter((path) => existsSync(path));
}
