import { type BinaryForm, binaryOperator } from "@guardbee/policy/sets";
import { binaryKey, binaryPrefixKey, type Entry, executableText } from "../compile/keys.ts";
import type { BinaryIds } from "../compile/shared.ts";
import type { NamedSet } from "../engine.ts";
import { enums, layout } from "../gen/layout.ts";
import type { Expected } from "./expected.ts";
import type { Native } from "./native.ts";
import { u32 } from "./pinned-ids.ts";
import { type SlotChanges, Slots } from "./slots.ts";

export function numberBinaries(sets: readonly NamedSet[]): BinaryIds {
  const ids = { exact: new Map(), prefix: new Map(), postfix: new Map() } as const satisfies Record<
    BinaryForm,
    Map<string, number>
  >;
  for (const { set } of sets) {
    for (const condition of set.hooks.flatMap((h) => h.selectors).flatMap((s) => s.conditions)) {
      if (condition.by !== "binary" && condition.by !== "parentBinary") continue;
      const { form } = binaryOperator(condition.op);
      const known: Map<string, number> = ids[form];
      for (const value of condition.values.map((text) => executableText(form, text))) {
        if (!known.has(value)) known.set(value, known.size + 1);
      }
    }
  }
  return ids;
}

const tables = {
  exact: { map: "binaries_exact", type: "hash", key: binaryKey },
  prefix: { map: "binaries_prefix", type: "lpm_trie", key: binaryPrefixKey },
  postfix: { map: "binaries_postfix", type: "lpm_trie", key: binaryPrefixKey },
} as const satisfies Readonly<Record<BinaryForm, object>>;
const forms = Object.keys(tables) as readonly BinaryForm[];

type Maps = Readonly<Record<(typeof tables)[BinaryForm]["map"], number>>;

/** The ids in the kernel's maps, which all programs share. */
export class Binaries {
  readonly #maps: Maps;
  readonly #slots: Readonly<Record<BinaryForm, Slots>>;

  constructor(native: Native, maps: Maps) {
    this.#maps = maps;
    const slots = forms.map((form) => {
      const outer = maps[tables[form].map];
      return [form, new Slots(native, outer, { fresh: false })] as const;
    });
    this.#slots = Object.fromEntries(slots) as Record<BinaryForm, Slots>;
  }

  /** Fills a slot that is not in force, once `changes` are made. */
  write(slot: number, ids: BinaryIds, changes: SlotChanges): void {
    for (const form of forms) {
      const { type, key } = tables[form];
      const keySize =
        type === "hash" ? enums.text_limit.BINARY_SIZE : layout.binary_prefix_key.size;
      const spec = { name: "gb_binaries", type, keySize, valueSize: 4, flags: 1 };
      this.#slots[form].fill(slot, spec, { entries: entriesOf(ids[form], key), changes });
    }
  }

  /** What the maps must have for a slot. */
  expected(slot: number): readonly Expected[] {
    return forms.map((form): Expected => {
      const what = tables[form].map;
      return {
        ...{ kind: "table", what, map: this.#maps[what], count: 1 },
        key: () => u32(slot),
        value: () => this.#slots[form].expected(slot),
      };
    });
  }

  /** Somebody else has written them. */
  distrust(): void {
    for (const form of forms) this.#slots[form].distrust();
  }

  /** Empties a slot that is no longer in force, once `changes` are made. */
  clear(slot: number, changes: SlotChanges): void {
    for (const form of forms) this.#slots[form].clear(slot, changes);
  }
}

function entriesOf(
  ids: ReadonlyMap<string, number>,
  key: (path: string) => Uint8Array,
): readonly Entry[] {
  return [...ids].map(([path, id]) => ({ key: key(path), value: u32(id) }));
}
