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
import type { Loader } from "./loader.ts";
import type { BpfObject, MapSpec, Misses } from "./native.ts";
import { ownMaps } from "./own-maps.ts";
import type { Pinned } from "./pinned.ts";
import { u32 } from "./pinned-ids.ts";
import { ArraySlots, innerMap, type SlotChanges, Slots } from "./slots.ts";
import { reuseShared } from "./tracking.ts";
import { hasWaiting } from "./waiting-maps.ts";

const noPrealloc = 1;
type OwnMap = (typeof ownMaps)[number];
type OwnMaps = Readonly<Record<OwnMap, number>>;
type ArrayMap = "rows" | "starts" | "substrings" | "actions";
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

/** One attached program with its tables. Acts only for a slot that `writeSlot` filled. */
export class Program {
  readonly name: string;
  readonly #loader: Loader;
  /** All stays open: where its pin is removed, a link or a program lives while somebody holds it. */
  readonly #links: Links;
  readonly #program: number;
  readonly #maps: OwnMaps;
  readonly #rows: ArraySlots;
  readonly #starts: ArraySlots;
  readonly #substrings: ArraySlots;
  readonly #actions: ArraySlots;
  readonly #entries: Readonly<Record<EntryMap, Slots>>;
  /** What `writeSlot` filled last. */
  #written: { readonly slot: number; readonly table: Uint8Array } | undefined;

  private constructor(loader: Loader, name: string, { links, program, maps, fresh }: Opened) {
    const { native } = loader;
    this.name = name;
    this.#loader = loader;
    this.#links = links;
    this.#program = program;
    this.#maps = maps;
    this.#rows = new ArraySlots(native, maps.rows, "gb_rows");
    this.#starts = new ArraySlots(native, maps.starts, "gb_starts");
    this.#substrings = new ArraySlots(native, maps.substrings, "gb_substrings");
    this.#actions = new ArraySlots(native, maps.actions, "gb_actions");
    this.#entries = {
      numbers: new Slots(native, maps.numbers, { fresh }),
      equals: new Slots(native, maps.equals, { fresh }),
      prefixes: new Slots(native, maps.prefixes, { fresh }),
    };
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

  /** Fills a slot that is not in force, once `changes` are made. */
  writeSlot(slot: number, tables: Tables, changes: SlotChanges): void {
    const valueSize = rowBytes(tables.words);
    this.#rows.write(slot, tables.rows, { valueSize, changes });
    if (tables.starts.length > 0) {
      this.#starts.write(slot, tables.starts, { valueSize: 8, changes });
    }
    const [automaton] = tables.substrings;
    const of = { valueSize: automaton?.length ?? 0, changes };
    if (automaton) this.#substrings.write(slot, tables.substrings, of);
    const { size } = layout.action_entry;
    this.#actions.write(slot, tables.actions, { valueSize: size, changes });
    for (const map of entryMaps) {
      const shape = innerSpec(map, valueBytes(tables.words));
      this.#entries[map].fill(slot, shape, { entries: tables[map], changes });
    }
    this.#loader.native.update(this.#maps.tables, u32(slot), tables.table);
    this.#written = { slot, table: tables.table };
  }

  /**
   * Ends a slot that is no longer in force, so that the program does not act for it, and frees what
   * can be large in it once `changes` are made; its rows, their starts and actions stay to be written again.
   */
  clearSlot(slot: number, changes: SlotChanges): void {
    const { native } = this.#loader;
    const { valueSize } = native.mapInfo(this.#maps.tables);
    native.update(this.#maps.tables, u32(slot), new Uint8Array(valueSize));
    for (const slots of Object.values(this.#entries)) slots.clear(slot, changes);
  }

  /** Sets the row of a scope class that no cgroup is in yet, in the slot in force. */
  writeClassRow(number: number, row: Uint8Array): void {
    if (this.#written === undefined) throw new Error(`${this.name}: no slot was written`);
    this.#rows.set(this.#written.slot, number, row);
  }

  /** What its maps must have for the slot that was written last. */
  expected(sets: readonly string[]): readonly Expected[] {
    if (this.#written === undefined) return [];
    const { slot, table } = this.#written;
    const common = { kind: "table", sets } as const;
    const one = (map: OwnMap, value: Uint8Array | undefined): Expected => ({
      ...{ ...common, what: `${this.name}/${map}`, map: this.#maps[map], count: 1 },
      key: () => u32(slot),
      value: () => value,
    });
    // One that was never written may have what an earlier agent put there, which is not read.
    const array = (map: ArrayMap, slots: ArraySlots): readonly Expected[] => {
      const written = slots.expected(slot);
      if (written === undefined) return [];
      const { fd, values } = written;
      const entries = { map: fd, count: values.length, key: u32, value: (i: number) => values[i] };
      return [
        one(map, slots.expectedId(slot)),
        { ...common, what: `${this.name}/${map}`, ...entries },
      ];
    };
    return [
      one("tables", table),
      ...array("rows", this.#rows),
      ...array("starts", this.#starts),
      ...array("substrings", this.#substrings),
      ...array("actions", this.#actions),
      ...entryMaps.map((map) => one(map, this.#entries[map].expected(slot))),
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

  /** Somebody else has written its maps: the next `writeSlot` makes all of them anew. */
  distrust(): void {
    this.#rows.distrust();
    this.#starts.distrust();
    this.#substrings.distrust();
    this.#actions.distrust();
    for (const slots of Object.values(this.#entries)) slots.distrust();
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
    this.#rows.close();
    this.#starts.close();
    this.#substrings.close();
    this.#actions.close();
    this.#written = undefined;
  }
}

/** Whether all is pinned of a program that is to be attached at `point`. */
function isWhole(folder: string, { kind }: AttachPoint, { spec }: Tables): boolean {
  const always = ["program", ...ownMaps, ...hashPins(spec)];
  const pins = kind.attach === undefined ? always : ["link", ...always];
  return pins.every((name) => existsSync(join(folder, name)));
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
    const array = { type: "array", keySize: 4, maxEntries: 1, flags: innerMap } as const;
    inner("rows", { ...array, name: "gb_rows", valueSize: rowBytes(tables.words) });
    const [automaton] = tables.substrings;
    if (automaton)
      inner("substrings", { ...array, name: "gb_substrings", valueSize: automaton.length });
    for (const map of entryMaps) inner(map, innerSpec(map, valueBytes(tables.words)));
    if (tables.limitsRates) object.resizeMap("rates", { maxEntries: enums.rate_limit.RATES_MAX });
    point.kind.bind(object, point);
    return object;
  } catch (error) {
    object.close();
    throw error;
  }
}
