import { enums, layout } from "../gen/layout.ts";
import { read } from "../layout/struct.ts";
import type { Native } from "./native.ts";
import type { SharedMaps } from "./tracking.ts";

const { size } = layout.share_key;

const { SHARED_TABLES: _, ...tables } = enums.shared_table;
/** Tables of the node of which each pod has a share. */
export type SharedTable = keyof typeof tables;

/** What each pod has of the tables that `bpf/share.h` counts. */
export class TableShares {
  readonly #native: Native;
  readonly #shares: number;

  constructor(native: Native, { table_shares }: Pick<SharedMaps, "table_shares">) {
    this.#native = native;
    this.#shares = table_shares;
  }

  /** By table the pods, by cgroup, that were refused an entry of it since they came. Throws KernelError. */
  used(): ReadonlyMap<SharedTable, readonly bigint[]> {
    const used = [...this.#all()].filter(({ share }) => share.refused > 0n);
    return new Map(
      [...Map.groupBy(used, ({ table }) => table)].map(([table, its]) => [
        table,
        its.map(({ pod }) => pod),
      ]),
    );
  }

  /** Deletes the shares that are empty. One that is used meanwhile begins anew. */
  collect(): void {
    for (const { key, share } of this.#all()) {
      if (BigInt.asIntN(64, share.entries) > 0n || share.refused > 0n) continue;
      this.#native.remove(this.#shares, key);
    }
  }

  /** The table is empty now. */
  forget(...tables: readonly SharedTable[]): void {
    for (const { key, table } of this.#all()) {
      if (tables.includes(table)) this.#native.remove(this.#shares, key);
    }
  }

  *#all() {
    const keys = this.#native.keys(this.#shares);
    const value = new Uint8Array(layout.table_share.size);
    for (let at = 0; at < keys.length; at += size) {
      const key = keys.slice(at, at + size);
      if (!this.#native.lookup(this.#shares, key, value)) continue;
      const { pod, table } = read(key, layout.share_key);
      const named = names.get(table);
      if (named === undefined) continue; // cannot be: the kernel's programs have these alone
      yield { key, pod, table: named, share: read(value, layout.table_share) };
    }
  }
}

const names: ReadonlyMap<number, SharedTable> = new Map(
  (Object.keys(tables) as SharedTable[]).map((name) => [tables[name], name]),
);
