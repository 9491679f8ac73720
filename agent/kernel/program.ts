import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Bits } from "../compile/bits.ts";
import { layout } from "../compile/layout.ts";
import type { AttachPoint } from "../compile/plan.ts";
import type { Entry, Tables } from "../compile/tables.ts";
import type { BpfObject, Link, MapSpec, Native } from "./native.ts";
import { u32 } from "./pinned-ids.ts";
import type { Pins } from "./pins.ts";
import { removePins } from "./pins.ts";
import { type SharedMaps, sharedMaps } from "./tracking.ts";

const noPrealloc = 1;
const innerMap = 0x1000;
const ownMaps = ["tables", "rows", "numbers", "equals", "prefixes", "actions"] as const;
type OwnMaps = Readonly<Record<(typeof ownMaps)[number], number>>;

export type Loader = {
  readonly native: Native;
  readonly pins: Pins;
  readonly objects: string;
  readonly shared: SharedMaps;
};

/** Its pin folder's name: the attach point and the constants that its program was loaded with. */
export function programName(point: AttachPoint, spec: Uint8Array): string {
  const digest = createHash("sha256").update(spec).digest("hex").slice(0, 12);
  return `${point.kind}-${point.symbol.replaceAll(".", "-")}-${digest}`;
}

/** One attached program with its tables. Acts only for a slot that `writeSlot` filled. */
export class Program {
  readonly name: string;
  readonly #loader: Loader;
  readonly #link: Link;
  readonly #maps: OwnMaps;
  /** The rows that the slot in force uses, open for `writeClassRow`. Writer: writeSlot. */
  #rows: number | undefined;

  private constructor(loader: Loader, name: string, link: Link, maps: OwnMaps) {
    this.name = name;
    this.#loader = loader;
    this.#link = link;
    this.#maps = maps;
  }

  get programId(): number {
    return this.#link.programId;
  }

  /** Adopts the program pinned under its name, or loads and attaches it. Throws KernelError. */
  static ensure(loader: Loader, point: AttachPoint, tables: Tables): Program {
    const name = programName(point, tables.spec);
    const folder = loader.pins.hook(name);
    if (existsSync(join(folder, "link"))) return Program.adopt(loader, name);
    removePins(folder);
    const object = open(loader, point, tables);
    try {
      object.load();
      mkdirSync(folder, { mode: 0o700 });
      for (const map of ownMaps) {
        const fd = object.mapFd(map);
        loader.native.pinMap(fd, join(folder, map));
        loader.native.closeFd(fd);
      }
      const link =
        point.kind === "kprobe"
          ? object.attachKprobe("hook", point.symbol, { ret: false })
          : object.attach("hook");
      link.pin(join(folder, "link"));
      link.close();
    } catch (error) {
      removePins(folder);
      throw error;
    } finally {
      object.close();
    }
    return Program.adopt(loader, name);
  }

  /** Opens what is pinned under `name`. */
  static adopt(loader: Loader, name: string): Program {
    const folder = loader.pins.hook(name);
    const maps = ownMaps.map((map) => [map, loader.native.openPinnedMap(join(folder, map))]);
    const link = loader.native.openPinnedLink(join(folder, "link"));
    return new Program(loader, name, link, Object.fromEntries(maps) as OwnMaps);
  }

  /** Detaches what an agent that is gone pinned under `name`, all of it or a part. */
  static remove(loader: Loader, name: string): void {
    const folder = loader.pins.hook(name);
    if (existsSync(join(folder, "link"))) Program.adopt(loader, name).detach();
    else removePins(folder);
  }

  /** Fills a slot that is not in force. */
  writeSlot(slot: number, tables: Tables): void {
    const width = tables.words * 8;
    if (this.#rows !== undefined) this.#loader.native.closeFd(this.#rows);
    this.#rows = this.#setArray("rows", slot, tables.rows, width);
    const actions = this.#setArray("actions", slot, tables.actions, layout.actionBytes);
    this.#loader.native.closeFd(actions);
    this.#setEntries("numbers", slot, tables.numbers, layout.numberKeyBytes, width);
    this.#setEntries("equals", slot, tables.equals, layout.equalKeyBytes, width);
    this.#setEntries("prefixes", slot, tables.prefixes, layout.prefixKeyBytes, width);
    this.#loader.native.update(this.#maps.tables, u32(slot), tables.table);
  }

  /**
   * Ends a slot that is no longer in force, so that the program does not act for it, and frees what
   * can be large in it; its rows and actions go when it is written again.
   */
  clearSlot(slot: number): void {
    const { native } = this.#loader;
    const { valueSize } = native.mapInfo(this.#maps.tables);
    native.update(this.#maps.tables, u32(slot), new Uint8Array(valueSize));
    for (const map of ["numbers", "equals", "prefixes"] as const) {
      removeInner(native, this.#maps[map], slot);
    }
  }

  /** Sets the row of a scope class that no cgroup is in yet, in the slot in force. */
  writeClassRow(number: number, row: Bits): void {
    if (this.#rows === undefined) throw new Error(`${this.name}: no slot was written`);
    this.#loader.native.update(this.#rows, u32(number), row);
  }

  /** Detaches the program and removes its pins. Idempotent. */
  detach(): void {
    this.#link.detach();
    this.close();
    removePins(this.#loader.pins.hook(this.name));
  }

  /** Lets go of it; what is pinned stays in force. */
  close(): void {
    this.#link.close();
    for (const fd of Object.values(this.#maps)) this.#loader.native.closeFd(fd);
    if (this.#rows !== undefined) this.#loader.native.closeFd(this.#rows);
    this.#rows = undefined;
  }

  #setArray(
    map: "rows" | "actions",
    slot: number,
    values: readonly Uint8Array[],
    valueSize: number,
  ): number {
    const { native } = this.#loader;
    const fd = native.createMap({
      type: "array",
      name: `gb_${map}`,
      keySize: 4,
      valueSize,
      maxEntries: values.length,
      flags: innerMap,
    });
    const keys = new Uint8Array(Uint32Array.from(values.keys()).buffer);
    native.updateBatch(fd, keys, Buffer.concat(values), values.length);
    native.update(this.#maps[map], u32(slot), u32(fd));
    return fd;
  }

  #setEntries(
    map: "numbers" | "equals" | "prefixes",
    slot: number,
    entries: readonly Entry[],
    keySize: number,
    valueSize: number,
  ): void {
    const { native } = this.#loader;
    if (entries.length === 0) {
      removeInner(native, this.#maps[map], slot);
      return;
    }
    const fd = native.createMap({
      ...innerSpec(map, keySize, valueSize),
      maxEntries: entries.length,
    });
    const keys = Buffer.concat(entries.map((entry) => entry.key));
    const values = Buffer.concat(entries.map((entry) => entry.value));
    native.updateBatch(fd, keys, values, entries.length);
    native.update(this.#maps[map], u32(slot), u32(fd));
    native.closeFd(fd);
  }
}

/** Takes the table out of one slot. Where there is none, the kernel is spared a grace period. */
export function removeInner(native: Native, outer: number, slot: number): void {
  if (native.lookup(outer, u32(slot), new Uint8Array(4))) native.remove(outer, u32(slot));
}

function innerSpec(map: "numbers" | "equals" | "prefixes", keySize: number, valueSize: number) {
  const type = map === "prefixes" ? "lpm_trie" : "hash";
  const name = `gb_${map}`;
  return { type, name, keySize, valueSize, maxEntries: 1, flags: noPrealloc } satisfies MapSpec;
}

/** Opens the object of an attach kind, specialised for one attach point and not yet loaded. */
function open(loader: Loader, point: AttachPoint, tables: Tables): BpfObject {
  const { native, shared } = loader;
  const object = native.openObject(join(loader.objects, `${point.kind}.bpf.o`));
  try {
    for (const name of sharedMaps) object.reuseMap(name, shared[name]);
    object.setGlobal("spec", tables.spec);
    object.resizeMap("tables", { valueSize: tables.table.length });
    const width = tables.words * 8;
    const inner = (map: "rows" | "numbers" | "equals" | "prefixes", spec: MapSpec) => {
      const fd = native.createMap(spec);
      try {
        object.resizeMap(map, { innerMapFd: fd }); // takes a descriptor of its own
      } finally {
        native.closeFd(fd);
      }
    };
    inner("rows", {
      type: "array",
      name: "gb_rows",
      keySize: 4,
      valueSize: width,
      maxEntries: 1,
      flags: innerMap,
    });
    inner("numbers", innerSpec("numbers", layout.numberKeyBytes, width));
    inner("equals", innerSpec("equals", layout.equalKeyBytes, width));
    inner("prefixes", innerSpec("prefixes", layout.prefixKeyBytes, width));
    if (point.kind === "fentry" || point.kind === "fexit" || point.kind === "fmod_ret") {
      object.setAttachTarget("hook", point.symbol);
    }
    return object;
  } catch (error) {
    object.close();
    throw error;
  }
}
