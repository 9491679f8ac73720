import { type FreeHook, FreeProgram } from "./free-program.ts";
import type { Loader } from "./loader.ts";
import type { Pinned } from "./pinned.ts";
import { removeAll } from "./remove-all.ts";
import { TableShares } from "./table-shares.ts";

const hook: FreeHook = {
  ...{ program: "sock_freed", call: "security_sk_free" },
  objects: { fentry: "sock_free.bpf.o", kprobe: "sock_free_kprobe.bpf.o" },
};

/**
 * The program sock_freed, which forgets tracked sockets that are gone while some set tracks any; without
 * it the next socket at the same address would be taken for the tracked one.
 */
export class SockFree {
  readonly #loader: Loader;
  readonly #program: FreeProgram;

  constructor(loader: Loader) {
    this.#loader = loader;
    this.#program = new FreeProgram(loader, hook);
  }

  /**
   * Attaches it. A kernel that preempts skips programs on trampolines: there `byKprobe` misses no
   * socket. Throws KernelError.
   */
  ensure(byKprobe: boolean): void {
    this.#program.ensure(byKprobe ? "kprobe" : "fentry");
  }

  /** Nobody tracks any more: forgets every socket, then stops listening for those that are gone. */
  remove(): void {
    const { native, shared } = this.#loader;
    const wasThere = this.#program.remove(() => removeAll(native, shared.tracked_socks));
    if (wasThere) new TableShares(native, shared).forget("SHARED_SOCKS");
  }

  pinned(): readonly Pinned[] {
    return this.#program.pinned();
  }
}
