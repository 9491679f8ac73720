import { binaryKey, binaryPrefixKey, bytes, type Entry } from "../compile/keys.ts";
import type { NamedSet } from "../engine.ts";
import { layout } from "../gen/layout.ts";
import type { Expected } from "./expected.ts";
import type { Native } from "./native.ts";
import { u32 } from "./pinned-ids.ts";
import { type SlotChanges, Slots } from "./slots.ts";

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

type Maps = { readonly binaries_exact: number; readonly binaries_prefix: number };

/** The ids in the kernel's maps, which all programs share. */
export class Binaries {
  readonly #maps: Maps;
  readonly #exact: Slots;
  readonly #prefix: Slots;

  constructor(native: Native, maps: Maps) {
    this.#maps = maps;
    this.#exact = new Slots(native, maps.binaries_exact, { fresh: false });
    this.#prefix = new Slots(native, maps.binaries_prefix, { fresh: false });
  }

  /** Fills a slot that is not in force, once `changes` are made. */
  write(slot: number, ids: BinaryIds, changes: SlotChanges): void {
    const spec = { name: "gb_binaries", valueSize: 4, flags: 1 };
    const exact = {
      ...spec,
      type: "hash",
      keySize: layout.process_info.fields.binary.count,
    } as const;
    this.#exact.fill(slot, exact, { entries: entriesOf(ids.exact, binaryKey), changes });
    const prefix = { ...spec, type: "lpm_trie", keySize: layout.binary_prefix_key.size } as const;
    this.#prefix.fill(slot, prefix, { entries: entriesOf(ids.prefix, binaryPrefixKey), changes });
  }

  /** What the maps must have for a slot. */
  expected(slot: number): readonly Expected[] {
    const one = (what: "binaries_exact" | "binaries_prefix", slots: Slots): Expected => ({
      ...{ kind: "table", what, map: this.#maps[what], count: 1 },
      key: () => u32(slot),
      value: () => slots.expected(slot),
    });
    return [one("binaries_exact", this.#exact), one("binaries_prefix", this.#prefix)];
  }

  /** Somebody else has written them. */
  distrust(): void {
    this.#exact.distrust();
    this.#prefix.distrust();
  }

  /** Empties a slot that is no longer in force, once `changes` are made. */
  clear(slot: number, changes: SlotChanges): void {
    this.#exact.clear(slot, changes);
    this.#prefix.clear(slot, changes);
  }
}

function entriesOf(
  ids: ReadonlyMap<string, number>,
  key: (path: string) => Uint8Array,
): readonly Entry[] {
  return [...ids].map(([path, id]) => ({ key: key(path), value: u32(id) }));
}
