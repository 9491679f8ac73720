import { binaryKey, binaryPrefixKey } from "../compile/keys.ts";
import { layout } from "../compile/layout.ts";
import { bytes } from "../compile/tables.ts";
import type { NamedSet } from "./engine.ts";
import type { Native } from "./native.ts";
import { u32 } from "./pinned-ids.ts";
import { removeInner } from "./program.ts";

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

type BinaryMaps = { readonly binaries_exact: number; readonly binaries_prefix: number };

/** Writes the ids into one slot of binaries_exact and binaries_prefix. */
export function writeBinaries(
  native: Native,
  maps: BinaryMaps,
  slot: number,
  ids: BinaryIds,
): void {
  const write = (
    outer: number,
    type: "hash" | "lpm_trie",
    entries: ReadonlyMap<string, number>,
    key: (path: string) => Uint8Array,
  ): void => {
    if (entries.size === 0) {
      removeInner(native, outer, slot);
      return;
    }
    const keySize = type === "hash" ? layout.binaryBytes : layout.binaryPrefixKeyBytes;
    const maxEntries = entries.size;
    const name = "gb_binaries";
    const fd = native.createMap({ type, name, keySize, valueSize: 4, maxEntries, flags: 1 });
    for (const [path, id] of entries) native.update(fd, key(path), u32(id));
    native.update(outer, u32(slot), u32(fd));
    native.closeFd(fd);
  };
  write(maps.binaries_exact, "hash", ids.exact, binaryKey);
  write(maps.binaries_prefix, "lpm_trie", ids.prefix, binaryPrefixKey);
}

/** Empties a slot that is no longer in force. */
export function clearBinaries(native: Native, maps: BinaryMaps, slot: number): void {
  removeInner(native, maps.binaries_exact, slot);
  removeInner(native, maps.binaries_prefix, slot);
}
