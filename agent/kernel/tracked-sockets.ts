import { existsSync } from "node:fs";
import { join } from "node:path";
import { arePinned, attachShared, OpenProgram, sharedPaths } from "./open-program.ts";
import type { Pinned } from "./pinned.ts";
import { removePins } from "./pins.ts";
import type { Loader } from "./program.ts";
import { removeAll } from "./remove-all.ts";
import { TableShares } from "./table-shares.ts";
import { reuseShared } from "./tracking.ts";

/** What the program and its pins are called. */
const name = "sock_freed";

/**
 * The program sock_freed, which forgets tracked sockets that are gone while some set tracks any; without
 * it the next socket at the same address would be taken for the tracked one.
 */
export class SockFree {
  readonly #loader: Loader;
  /** Held open, so that it stays attached without its pin. Written by `ensure` and `remove`. */
  #open: OpenProgram | undefined;

  constructor(loader: Loader) {
    this.#loader = loader;
  }

  /** Attaches it. Throws KernelError. */
  ensure(): void {
    if (this.#open !== undefined) return;
    const { native, pins } = this.#loader;
    if (!arePinned(sharedPaths(pins, name))) this.#attach();
    this.#open = OpenProgram.shared(native, pins, name);
  }

  #attach(): void {
    const { native, objects, pins, shared } = this.#loader;
    const object = native.openObject(join(objects, "sock_free.bpf.o"));
    try {
      reuseShared(object, shared);
      object.load();
      attachShared(object, pins, { program: name, pin: name });
    } finally {
      object.close();
    }
  }

  /** Nobody tracks any more: forgets every socket, then stops listening for those that are gone. */
  remove(): void {
    const { native, pins, shared } = this.#loader;
    const paths = sharedPaths(pins, name);
    if (this.#open === undefined && !existsSync(paths.link)) return;
    removeAll(native, shared.tracked_socks);
    new TableShares(native, shared).forget("SHARED_SOCKS");
    this.#open?.detach();
    this.#open?.close();
    this.#open = undefined;
    if (existsSync(paths.link)) native.openPinnedLink(paths.link).detach();
    removePins(paths.program);
  }

  pinned(): readonly Pinned[] {
    return this.#open?.pinned() ?? [];
  }
}
