import { binaryKey } from "../compile/keys.ts";
import { enums } from "../gen/layout.ts";
import type { Native } from "./native.ts";
import { u32 } from "./pinned-ids.ts";

/** The map `protected_binaries`, which holds exactly the executables of the node's services. */
export class ProtectedList {
  readonly #native: Native;
  readonly #map: number;
  /** Keys in hex. */
  readonly #keys: ReadonlySet<string>;

  /** Throws KernelError. */
  constructor(native: Native, map: number, paths: readonly string[]) {
    this.#native = native;
    this.#map = map;
    this.#keys = new Set(paths.map((path) => Buffer.from(binaryKey(path)).toString("hex")));
    this.write();
  }

  isWhole(): boolean {
    const there = this.#there();
    return there.size === this.#keys.size && there.isSubsetOf(this.#keys);
  }

  /** Adds what is missing and removes what is none of them. Throws KernelError. */
  write(): void {
    const there = this.#there();
    for (const key of this.#keys) {
      if (!there.has(key)) this.#native.update(this.#map, Buffer.from(key, "hex"), u32(1));
    }
    for (const key of there) {
      if (!this.#keys.has(key)) this.#native.remove(this.#map, Buffer.from(key, "hex"));
    }
  }

  #there(): ReadonlySet<string> {
    const keys = Buffer.from(this.#native.keys(this.#map));
    const size = enums.text_limit.BINARY_SIZE;
    const count = keys.length / size;
    return new Set(
      Array.from({ length: count }, (_, i) => keys.toString("hex", i * size, (i + 1) * size)),
    );
  }
}
