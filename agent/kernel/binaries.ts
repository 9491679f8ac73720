import { isDeepStrictEqual } from "node:util";
import { type BinaryForm, binaryOperator } from "@guardbee/policy/sets";
import { binaryKey, binaryPrefixKey, type Entry, executableText } from "../compile/keys.ts";
import type { BinaryIds } from "../compile/shared.ts";
import type { NamedSet } from "../engine.ts";
import { enums, layout } from "../gen/layout.ts";
import type { Expected } from "./expected.ts";
import { KnownSlots } from "./known-slots.ts";
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
  readonly #known = new KnownSlots<BinaryIds>(isDeepStrictEqual);

  constructor(native: Native, maps: Maps) {
    this.#maps = maps;
    const slots = forms.map((form) => {
      const outer = maps[tables[form].map];
      return [form, new Slots(native, outer, { fresh: false })] as const;
    });
    this.#slots = Object.fromEntries(slots) as Record<BinaryForm, Slots>;
  }

  /** Gives a slot that is not in force these ids, once `changes` are made. */
  fill(slot: number, ids: BinaryIds, changes: SlotChanges): void {
    const place = this.#known.find(slot, ids);
    if (place === "there") return;
    for (const form of forms) {
      const { type, key } = tables[form];
      const keySize =
        type === "hash" ? enums.text_limit.BINARY_SIZE : layout.binary_prefix_key.size;
      const shape = { name: "gb_binaries", type, keySize, valueSize: 4, flags: 1 };
      if (place === "in the other") this.#slots[form].share(slot, changes);
      else this.#slots[form].fill(slot, entriesOf(ids[form], key), { shape, changes });
    }
    this.#known.filled(slot, ids);
  }

  /** What the maps must have for each slot that was filled. */
  expected(): readonly Expected[] {
    const filled = this.#known.slots();
    return forms.map((form): Expected => {
      const what = tables[form].map;
      return {
        ...{ kind: "table", what, map: this.#maps[what], count: filled.length },
        key: (index) => u32(filled[index]!),
        value: (index) => this.#slots[form].expected(filled[index]!),
      };
    });
  }

  /** Somebody else has written them, or what `fill` asked for was not made. */
  distrust(): void {
    this.#known.distrust();
    for (const form of forms) this.#slots[form].distrust();
  }
}

function entriesOf(
  ids: ReadonlyMap<string, number>,
  key: (path: string) => Uint8Array,
): readonly Entry[] {
  return [...ids].map(([path, id]) => ({ key: key(path), value: u32(id) }));
}
