import { existsSync } from "node:fs";
import { join } from "node:path";
import type { BpfObject, Link, Native } from "./native.ts";
import type { Pinned } from "./pinned.ts";
import { type Pins, removePins } from "./pins.ts";

type Paths = { readonly link: string; readonly program: string };

/**
 * An attached program whose link and self are pinned and held open: where a pin is removed, it is
 * detached only when nobody holds its link, and only who holds a program can pin it again.
 */
export class OpenProgram {
  readonly #native: Native;
  readonly #paths: Paths;
  readonly #link: Link;
  readonly #program: number;

  /** Of what is pinned. Throws KernelError. */
  constructor(native: Native, paths: Paths) {
    this.#native = native;
    this.#paths = paths;
    this.#link = native.openPinnedLink(paths.link);
    try {
      this.#program = native.openPinnedProgram(paths.program);
    } catch (error) {
      this.#link.close();
      throw error;
    }
  }

  /** A program that holds for every policy, by its name in `pins`. Throws KernelError. */
  static shared(native: Native, pins: Pins, name: string): OpenProgram {
    return new OpenProgram(native, sharedPaths(pins, name));
  }

  pinned(): readonly Pinned[] {
    return [
      { path: this.#paths.link, link: this.#link },
      { path: this.#paths.program, program: this.#program },
    ];
  }

  /** Removes the link's pin, and detaches. Idempotent. */
  detach(): void {
    this.#link.detach();
  }

  /** Lets go of it; what is pinned stays attached. Once. */
  close(): void {
    this.#link.close();
    this.#native.closeFd(this.#program);
  }
}

/** Attaches `program` of a loaded object, and pins it as `pin` in the place of what may be there. */
export function attachShared(
  object: BpfObject,
  pins: Pins,
  { program, pin }: { readonly program: string; readonly pin: string },
  attach = () => object.attach(program),
): void {
  const paths = sharedPaths(pins, pin);
  object.pinProgram(program, paths.program);
  const link = attach();
  try {
    removePins(paths.link);
    link.pin(paths.link);
  } finally {
    link.close();
  }
}

/** Where a program that holds for every policy is pinned. */
export function sharedPaths(pins: Pins, name: string): Paths {
  return { link: join(pins.links, name), program: join(pins.programs, name) };
}

/** Whether both pins are there. */
export function arePinned({ link, program }: Paths): boolean {
  return existsSync(link) && existsSync(program);
}
