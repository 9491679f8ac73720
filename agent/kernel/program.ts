import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { rowBytes, scratchBytes, valueBytes } from "../compile/bits.ts";
import type { AttachPoint } from "../compile/plan.ts";
import type { Tables } from "../compile/tables.ts";
import type { UnhookedFile } from "../engine.ts";
import { enums, layout } from "../gen/layout.ts";
import type { Expected } from "./expected.ts";
import { hookFiles, isLinkPin, type Links } from "./file-hooks.ts";
import { attachHashing, hashPins, inOrderToGo } from "./hash-programs.ts";
import { KnownSlots } from "./known-slots.ts";
import type { Loader } from "./loader.ts";
import type { BpfObject, MapSpec, Misses, Native } from "./native.ts";
import { ownMaps } from "./own-maps.ts";
import type { Pinned } from "./pinned.ts";
import { u32 } from "./pinned-ids.ts";
import { innerMap, type SlotChanges, Slots } from "./slots.ts";
import { reuseShared } from "./tracking.ts";
import { hasWaiting } from "./waiting-maps.ts";

const noPrealloc = 1;
type OwnMap = (typeof ownMaps)[number];
type OwnMaps = Readonly<Record<OwnMap, number>>;
const arrayMaps = ["rows", "starts", "substrings", "actions"] as const;
type ArrayMap = (typeof arrayMaps)[number];
const entryMaps = ["numbers", "equals", "prefixes"] as const;
type EntryMap = (typeof entryMaps)[number];
const keyBytes: Readonly<Record<EntryMap, number>> = {
  numbers: layout.number_key.size,
  equals: layout.equal_key.size,
  prefixes: layout.prefix_key.size,
};
/** `fresh`: nothing was written to the maps yet. */
type Opened = {
  readonly links: Links;
  readonly program: number;
  readonly maps: OwnMaps;
  readonly fresh: boolean;
};

/** Its pin folder's name: the attach point and the constants that its program was loaded with. */
export function programName(point: AttachPoint, spec: Uint8Array): string {
  const { kind, symbol, file, site } = point;
  // Of a place in a file the symbol is no name of a folder, and not all that counts.
  const name = file === undefined ? symbol : digestOf(site);
  return `${kind.name}-${name}-${digestOf(spec)}`.replaceAll(".", "-"); // bpffs takes no dots
}

function digestOf(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex").slice(0, 12);
}

/** One attached program with its tables. Acts only for a slot that `fillSlot` filled. */
export class Program {
  readonly name: string;
  readonly #loader: Loader;
  /** All stays open: where its pin is removed, a link or a program lives while somebody holds it. */
  readonly #links: Links;
  readonly #program: number;
  readonly #maps: OwnMaps;
  readonly #slots: Readonly<Record<ArrayMap | EntryMap, Slots>>;
  readonly #known = new KnownSlots<Tables>(Object.is);

  private constructor(loader: Loader, name: string, { links, program, maps, fresh }: Opened) {
    const { native } = loader;
    this.name = name;
    this.#loader = loader;
    this.#links = links;
    this.#program = program;
    this.#maps = maps;
    const slotsOf = (map: ArrayMap | EntryMap) => [map, new Slots(native, maps[map], { fresh })];
    this.#slots = Object.fromEntries([...arrayMaps, ...entryMaps].map(slotsOf));
  }

  /**
   * Adopts the program pinned under its name, or loads and attaches it. `onNode`: one of a program's
   * file to the node's, too. Throws KernelError.
   */
  static ensure(
    loader: Loader,
    point: AttachPoint,
    { tables, onNode }: { readonly tables: Tables; readonly onNode: boolean },
  ): Program {
    const name = programName(point, tables.spec);
    const folder = loader.pins.hook(name);
    if (isWhole(folder, point, tables)) return Program.adopt(loader, name);
    if (existsSync(folder)) loader.retired.remove(folder);
    const object = open(loader, point, tables);
    const links: Links = new Map();
    try {
      object.load();
      mkdirSync(folder, { mode: 0o700 });
      object.pinProgram("hook", join(folder, "program"));
      const pin = (map: string) => {
        const fd = object.mapFd(map);
        loader.native.pinMap(fd, join(folder, map));
        loader.native.closeFd(fd);
      };
      for (const map of point.kind.maps ?? []) pin(map);
      if (point.kind.attach === undefined) {
        hookFiles({ ...loader, folder, point, onNode }, links, { mustHaveNode: true });
      } else {
        attachHashing(loader, { folder, point, spec: tables.spec, object }, links);
        const link = point.kind.attach(object, point);
        link.pin(join(folder, "link"));
        links.set("link", link);
      }
      for (const map of ownMaps) pin(map);
    } catch (error) {
      if (existsSync(folder)) loader.retired.remove(folder);
      throw error;
    } finally {
      for (const link of links.values()) link.close();
      object.close();
    }
    return Program.#open(loader, name, { fresh: true });
  }

  /** Opens what is pinned under `name`. */
  static adopt(loader: Loader, name: string): Program {
    return Program.#open(loader, name, { fresh: false });
  }

  static #open(loader: Loader, name: string, { fresh }: { readonly fresh: boolean }): Program {
    const folder = loader.pins.hook(name);
    const maps = ownMaps.map((map) => [map, loader.native.openPinnedMap(join(folder, map))]);
    const pins = readdirSync(folder).filter(isLinkPin);
    const links = new Map(
      pins.map((pin) => [pin, loader.native.openPinnedLink(join(folder, pin))] as const),
    );
    const program = loader.native.openPinnedProgram(join(folder, "program"));
    const opened = { links, program, maps: Object.fromEntries(maps) as OwnMaps, fresh };
    return new Program(loader, name, opened);
  }

  /** Detaches what an agent that is gone pinned under `name`, all of it or a part. */
  static remove(loader: Loader, name: string): void {
    const folder = loader.pins.hook(name);
    for (const pin of inOrderToGo(readdirSync(folder).filter(isLinkPin))) {
      loader.native.openPinnedLink(join(folder, pin)).detach();
    }
    loader.retired.remove(folder);
  }

  /** Makes what an agent that is gone pinned under `name` do nothing for a slot that is not in force. */
  static endSlot({ native, pins }: Loader, name: string, slot: number): void {
    const path = join(pins.hook(name), "tables");
    if (!existsSync(path)) return; // it is not whole
    const tables = native.openPinnedMap(path);
    try {
      endSlot(native, tables, slot);
    } finally {
      native.closeFd(tables);
    }
  }

  /** Which attachment this is, and what it missed: one that is attached nowhere, nothing. Throws KernelError. */
  misses(): Misses & { readonly id: number } {
    const path = join(this.#loader.pins.hook(this.name), "program");
    const own = this.#links.get("link");
    const [first, ...others] = own === undefined ? [...this.#links.values()] : [own];
    if (first === undefined) return { id: 0, program: 0, link: 0 };
    const { program, link } = first.misses(path);
    const more = others.reduce((sum, one) => sum + one.misses(path).link, 0);
    return { id: first.id, program, link: link + more };
  }

  /** Attaches what hooks programs' files, as `hookFiles` does. */
  hookFiles(point: AttachPoint, onNode: boolean): readonly UnhookedFile[] {
    const folder = this.#loader.pins.hook(this.name);
    const hook = { ...this.#loader, folder, point, onNode };
    return hookFiles(hook, this.#links, { mustHaveNode: false });
  }

  /** Whether both slots have `tables`. */
  has(tables: Tables): boolean {
    return this.#known.bothHave(tables);
  }

  /** Gives a slot that is not in force `tables`, once `changes` are made: those of the other slot, where it has them. */
  fillSlot(slot: number, tables: Tables, changes: SlotChanges): void {
    const place = this.#known.find(slot, tables);
    if (place === "there") return;
    if (place === "in the other") {
      for (const slots of Object.values(this.#slots)) slots.share(slot, changes);
    } else {
      for (const map of arrayMaps) {
        const [first] = tables[map];
        const shape = arraySpec(map, first?.length ?? 0);
        if (first !== undefined) this.#slots[map].fillArray(slot, tables[map], { shape, changes });
      }
      for (const map of entryMaps) {
        const shape = innerSpec(map, valueBytes(tables.words));
        this.#slots[map].fill(slot, tables[map], { shape, changes });
      }
    }
    this.#loader.native.update(this.#maps.tables, u32(slot), tables.table);
    this.#known.filled(slot, tables);
  }

  /** Makes the program do nothing for a slot that is not in force. */
  endSlot(slot: number): void {
    this.#known.end(slot);
    endSlot(this.#loader.native, this.#maps.tables, slot);
  }

  /** Sets the row of a scope class that no cgroup is in yet, in the slot in force. */
  writeClassRow(slot: number, number: number, row: Uint8Array): void {
    this.#slots.rows.set(slot, number, row);
  }

  /** What its maps must have for each slot that was filled. */
  expected(sets: readonly string[]): readonly Expected[] {
    const tables = [0, 1].map((slot) => this.#known.of(slot)); // as they are now: the kernel is asked later
    const filled = this.#known.slots();
    const common = { kind: "table", sets } as const;
    const inSlots = (
      map: OwnMap,
      slots: readonly number[],
      value: (slot: number) => Uint8Array | undefined,
    ): Expected => ({
      ...{ ...common, what: `${this.name}/${map}`, map: this.#maps[map], count: slots.length },
      key: (index) => u32(slots[index]!),
      value: (index) => value(slots[index]!),
    });
    const array = (map: ArrayMap): readonly Expected[] => {
      const all = this.#slots[map];
      // What was never filled may have what an earlier agent put there, which is not read.
      const written = filled.filter((slot) => all.expectedArray(slot) !== undefined);
      const arrays = new Map(
        written.map((slot) => all.expectedArray(slot)!).map((of) => [of.fd, of]),
      );
      const entries = [...arrays.values()].map(({ fd, values }) => ({
        ...{ ...common, what: `${this.name}/${map}`, map: fd, count: values.length },
        ...{ key: u32, value: (index: number) => values[index] },
      }));
      return [inSlots(map, written, (slot) => all.expected(slot)), ...entries];
    };
    return [
      inSlots("tables", filled, (slot) => tables[slot]!.table),
      ...arrayMaps.flatMap(array),
      ...entryMaps.map((map) => inSlots(map, filled, (slot) => this.#slots[map].expected(slot))),
    ];
  }

  /** Its pins. */
  pinned(sets: readonly string[]): readonly Pinned[] {
    const folder = this.#loader.pins.hook(this.name);
    return [
      ...[...this.#links].map(([pin, link]) => ({ path: join(folder, pin), link, sets })),
      { path: join(folder, "program"), program: this.#program, sets },
      ...ownMaps.map((map) => ({ path: join(folder, map), map: this.#maps[map], sets })),
    ];
  }

  /** Somebody else has written its maps, or what `fillSlot` asked for was not made: it fills all of them anew. */
  distrust(): void {
    this.#known.distrust();
    for (const slots of Object.values(this.#slots)) slots.distrust();
  }

  /** Detaches the program and removes its pins. Idempotent. */
  detach(): void {
    for (const pin of inOrderToGo([...this.#links.keys()])) this.#links.get(pin)!.detach();
    this.close();
    const folder = this.#loader.pins.hook(this.name);
    if (existsSync(folder)) this.#loader.retired.remove(folder);
  }

  /** Lets go of it; what is pinned stays in force. */
  close(): void {
    for (const link of this.#links.values()) link.close();
    for (const fd of [this.#program, ...Object.values(this.#maps)]) this.#loader.native.closeFd(fd);
    for (const slots of Object.values(this.#slots)) slots.close();
    for (const slot of [0, 1]) this.#known.end(slot);
  }
}

/** Whether all is pinned of a program that is to be attached at `point`. */
function isWhole(folder: string, { kind }: AttachPoint, { spec }: Tables): boolean {
  const always = ["program", ...ownMaps, ...hashPins(spec)];
  const pins = kind.attach === undefined ? always : ["link", ...always];
  return pins.every((name) => existsSync(join(folder, name)));
}

function endSlot(native: Native, tables: number, slot: number): void {
  native.update(tables, u32(slot), new Uint8Array(native.mapInfo(tables).valueSize));
}

function arraySpec(map: ArrayMap, valueSize: number) {
  const common = { type: "array", keySize: 4, maxEntries: 1, flags: innerMap } as const;
  return { ...common, name: `gb_${map}`, valueSize } satisfies MapSpec;
}

function innerSpec(map: EntryMap, valueSize: number) {
  const type = map === "prefixes" ? "lpm_trie" : "hash";
  const name = `gb_${map}`;
  return {
    type,
    name,
    keySize: keyBytes[map],
    valueSize,
    ...{ maxEntries: 1, flags: noPrealloc },
  } satisfies MapSpec;
}

/** Opens the object of an attach kind, specialised for one attach point and not yet loaded. */
function open(loader: Loader, point: AttachPoint, tables: Tables): BpfObject {
  const { native, shared } = loader;
  const object = native.openObject(join(loader.objects, point.kind.object));
  try {
    reuseShared(object, shared);
    if (hasWaiting(tables.spec)) loader.waiting.lend(object);
    object.setGlobal("spec", tables.spec);
    object.resizeMap("tables", { valueSize: tables.table.length });
    object.resizeMap("call_scratch", { valueSize: scratchBytes(tables.words) });
    const inner = (map: "rows" | "substrings" | EntryMap, spec: MapSpec) => {
      const fd = native.createMap(spec);
      try {
        object.resizeMap(map, { innerMapFd: fd }); // takes a descriptor of its own
      } finally {
        native.closeFd(fd);
      }
    };
    inner("rows", arraySpec("rows", rowBytes(tables.words)));
    const [automaton] = tables.substrings;
    if (automaton) inner("substrings", arraySpec("substrings", automaton.length));
    for (const map of entryMaps) inner(map, innerSpec(map, valueBytes(tables.words)));
    if (tables.limitsRates) object.resizeMap("rates", { maxEntries: enums.rate_limit.RATES_MAX });
    point.kind.bind(object, point);
    return object;
  } catch (error) {
    object.close();
    throw error;
  }
}
