import { binaryKey, binaryPrefixKey } from "../compile/keys.ts";
import { layout } from "../compile/layout.ts";
import { bytes } from "../compile/tables.ts";
import type { NamedSet } from "./engine.ts";
import type { Native } from "./native.ts";
import { u32 } from "./pinned-ids.ts";
import { Slots } from "./slots.ts";

/** Ids of executables in use by some set, from 1; one list for In, one for Prefix. */
export type BinaryIds = {
  readonly exact: ReadonlyMap<string, number>;
  readonly prefix: ReadonlyMap<string, number>;
};

export function numberBinaries(sets: readonly NamedSet[]): BinaryIds {
  const [exact, prefix] = [new Map<string, number>(), new Map<string, number>()];
  for (const { set } of sets) {
    for (const condition of set.hooks.flatMap((h) => h.selectors).flatMap((s) => s.conditions)) {
      if (condition.by !== "binary") continue;
      const ids = condition.op.endsWith("Prefix") ? prefix : exact;
      for (const value of condition.values.map(bytes)) {
        if (!ids.has(value)) ids.set(value, ids.size + 1);
      }
    }
  }
  return { exact, prefix };
}

/** The ids in the kernel's maps, which all programs share. */
export class Binaries {
  readonly #native: Native;
  readonly #exact: Slots;
  readonly #prefix: Slots;

  constructor(
    native: Native,
    maps: { readonly binaries_exact: number; readonly binaries_prefix: number },
  ) {
    this.#native = native;
    this.#exact = new Slots(native, maps.binaries_exact, { fresh: false });
    this.#prefix = new Slots(native, maps.binaries_prefix, { fresh: false });
  }

  /** Fills a slot that is not in force. */
  write(slot: number, ids: BinaryIds): void {
    const exact = { type: "hash", keySize: layout.binaryBytes, key: binaryKey } as const;
    const keySize = layout.binaryPrefixKeyBytes;
    const prefix = { type: "lpm_trie", keySize, key: binaryPrefixKey } as const;
    this.#fill(this.#exact, slot, ids.exact, exact);
    this.#fill(this.#prefix, slot, ids.prefix, prefix);
  }

  /** Empties a slot that is no longer in force. */
  clear(slot: number): void {
    this.#exact.clear(slot);
    this.#prefix.clear(slot);
  }

  #fill(
    slots: Slots,
    slot: number,
    entries: ReadonlyMap<string, number>,
    shape: {
      readonly type: "hash" | "lpm_trie";
      readonly keySize: number;
      readonly key: (path: string) => Uint8Array;
    },
  ): void {
    if (entries.size === 0) {
      slots.clear(slot);
      return;
    }
    const { type, keySize, key } = shape;
    const spec = { type, keySize, valueSize: 4, maxEntries: entries.size };
    const fd = this.#native.createMap({ ...spec, name: "gb_binaries", flags: 1 });
    for (const [path, id] of entries) this.#native.update(fd, key(path), u32(id));
    slots.put(slot, fd);
    this.#native.closeFd(fd);
  }
}
