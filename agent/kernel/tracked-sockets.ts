import { existsSync } from "node:fs";
import { join } from "node:path";
import { removePins } from "./pins.ts";
import type { Loader } from "./program.ts";
import { reuseShared } from "./tracking.ts";

/** What the program and its pins are called. */
const name = "sock_freed";

/**
 * Makes the kernel forget tracked sockets that are gone while some set tracks any; without it the next
 * socket at the same address would be taken for the tracked one. Throws KernelError.
 */
export function ensureSockFree({ native, objects, pins, shared }: Loader): void {
  const path = join(pins.links, name);
  if (existsSync(path)) return;
  const object = native.openObject(join(objects, "sock_free.bpf.o"));
  try {
    reuseShared(object, shared);
    object.load();
    object.pinProgram(name, join(pins.programs, name));
    const link = object.attach(name);
    link.pin(path);
    link.close();
  } finally {
    object.close();
  }
}

/** Nobody tracks any more: forgets every socket, then stops listening for those that are gone. */
export function removeSockFree({ native, pins, shared }: Loader): void {
  const path = join(pins.links, name);
  if (!existsSync(path)) return;
  const keys = native.keys(shared.tracked_socks);
  for (let at = 0; at < keys.length; at += 8) {
    native.remove(shared.tracked_socks, keys.subarray(at, at + 8));
  }
  native.openPinnedLink(path).detach();
  removePins(join(pins.programs, name));
}
