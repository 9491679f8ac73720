import { layout } from "../gen/layout.ts";
import { bytesOf } from "../layout/struct.ts";
import { type FreeHook, FreeProgram, pinnedWays } from "./free-program.ts";
import type { Loader } from "./loader.ts";
import type { Pinned } from "./pinned.ts";
import { type PinnedIds, u32 } from "./pinned-ids.ts";
import { removeAll } from "./remove-all.ts";

const hook: FreeHook = {
  ...{ program: "file_freed", call: "security_file_free" },
  objects: { fentry: "file_free.bpf.o", kprobe: "file_free_kprobe.bpf.o" },
};

/**
 * The program file_freed, which forgets closed files while some set follows descriptors; without it
 * the kernel's next file at the same address would be taken for the followed one.
 */
export class FileFree {
  readonly #loader: Loader;
  readonly #program: FreeProgram;

  constructor(loader: Loader) {
    this.#loader = loader;
    this.#program = new FreeProgram(loader, hook);
  }

  /**
   * Attaches it. A kernel that `preempts` skips programs on trampolines, so that it takes a kprobe.
   * Throws KernelError.
   */
  ensure(preempts: boolean): void {
    this.#program.ensure(preempts ? "kprobe" : "fentry");
  }

  /** Nobody follows any more: forgets every file, then stops listening for closed ones. */
  remove(ids: PinnedIds): void {
    const { native, shared } = this.#loader;
    if (this.#program.remove(() => removeAll(native, shared.followed))) {
      removeAll(native, shared.follow_shares);
      native.update(shared.follow_state, u32(0), bytesOf(layout.follow_state, {}));
    }
    ids.release(new Set());
  }

  pinned(): readonly Pinned[] {
    return this.#program.pinned();
  }
}

/** Where file_free is pinned now. */
export function fileFreePins(loader: Loader): readonly string[] {
  return pinnedWays(loader, hook);
}
