import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import type { Loader } from "./loader.ts";
import type { BpfObject } from "./native.ts";
import { arePinned, attachShared, OpenProgram, sharedPaths } from "./open-program.ts";
import type { Pinned } from "./pinned.ts";
import { removePins } from "./pins.ts";
import { reuseShared } from "./tracking.ts";

/** A program that sees what the kernel frees, in two objects: for a trampoline, and for a kprobe. */
export type FreeHook = {
  /** What it is called, and its pins: by a kprobe with `_kprobe`. */
  readonly program: string;
  readonly call: string;
  readonly objects: { readonly fentry: string; readonly kprobe: string };
};

/** How a FreeHook is attached: a kernel that preempts tasks skips programs on trampolines. */
export type Way = keyof FreeHook["objects"];

/** Keeps a FreeHook attached, by one way or by both, while something is to be forgotten with what is freed. */
export class FreeProgram {
  readonly #loader: Loader;
  readonly #hook: FreeHook;
  /** By pin, held open, so that it stays attached without that. Written by `ensure` and `remove`. */
  readonly #open = new Map<string, OpenProgram>();

  constructor(loader: Loader, hook: FreeHook) {
    this.#loader = loader;
    this.#hook = hook;
  }

  /** Attaches it. Throws KernelError. */
  ensure(way: Way): void {
    const pin = pinOf(this.#hook, way);
    if (this.#open.has(pin)) return;
    const { native, pins } = this.#loader;
    if (!arePinned(sharedPaths(pins, pin))) this.#attach(way, pin);
    this.#open.set(pin, OpenProgram.shared(native, pins, pin));
  }

  #attach(way: Way, pin: string): void {
    const { program, call, objects } = this.#hook;
    const object = openShared(this.#loader, objects[way]);
    try {
      object.load();
      attachShared(object, this.#loader.pins, { program, pin }, () =>
        way === "fentry"
          ? object.attach(program)
          : object.attachKprobe(program, call, { ret: false }),
      );
    } finally {
      object.close();
    }
  }

  /** Runs `forget`, then detaches; whether it was there. */
  remove(forget: () => void): boolean {
    const { native, pins } = this.#loader;
    const paths = new Set([
      ...pinnedWays(this.#loader, this.#hook),
      ...[...this.#open.keys()].map((pin) => join(pins.links, pin)),
    ]);
    if (paths.size === 0) return false;
    forget();
    for (const program of this.#open.values()) {
      program.detach();
      program.close();
    }
    this.#open.clear();
    for (const path of paths) {
      if (existsSync(path)) native.openPinnedLink(path).detach();
      removePins(join(pins.programs, basename(path)));
    }
    return true;
  }

  pinned(): readonly Pinned[] {
    return [...this.#open.values()].flatMap((program) => program.pinned());
  }
}

/** Where its links are pinned now. */
export function pinnedWays({ pins }: Loader, hook: FreeHook): readonly string[] {
  return (["fentry", "kprobe"] as const)
    .map((way) => join(pins.links, pinOf(hook, way)))
    .filter((path) => existsSync(path));
}

/** An object on the shared maps, not yet loaded. Throws KernelError. */
export function openShared({ native, objects, shared }: Loader, name: string): BpfObject {
  const object = native.openObject(join(objects, name));
  try {
    reuseShared(object, shared);
    return object;
  } catch (error) {
    object.close();
    throw error;
  }
}

function pinOf({ program }: FreeHook, way: Way): string {
  return way === "fentry" ? program : `${program}_kprobe`;
}
