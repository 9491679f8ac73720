import type { Condition } from "@guardbee/policy";
import { enums, layout } from "../gen/layout.ts";
import { bytesOf, type Values, write } from "../layout/struct.ts";
import { encodeAction } from "./actions.ts";
import { type Bits, bitsWhere, onlyWord, toRow, wordsFor } from "./bits.ts";
import { argCodes, capSetCodes, capUserNsCodes } from "./codes.ts";
import {
  collect,
  type Dimension,
  equalityDimension,
  type Listing,
  longestListed,
  prefixDimension,
} from "./dims.ts";
import { equalKey, numberKey, prefixKey } from "./keys.ts";
import { capabilityTest } from "./needs.ts";
import type { AttachPoint, PlannedHook } from "./plan.ts";
import { assignSlots, checkSlots, isNumber, type Slots } from "./slots.ts";

/** What every attach point shares: numbers for executables and for the policies that follow. */
export type Shared = {
  /** What events of a hook carry, and its stops are counted under. */
  readonly hookNumber: (planned: PlannedHook) => number;
  /** Executable path → id from 1, for In; the same for Prefix. Values are byte strings (latin1). */
  readonly binaryExact: ReadonlyMap<string, number>;
  readonly binaryPrefix: ReadonlyMap<string, number>;
  /** Set name → which of the 64 follow groups is its own. */
  readonly followGroups: ReadonlyMap<string, number>;
  /** By scope class number: the names of the sets that hold there. Class 0 is the host's. */
  readonly classes: readonly ReadonlySet<string>[];
  /** Rows kept for classes, so that one can be added without a flip. */
  readonly classCapacity: number;
};

/** Exact map contents of one attach point. Keys and values are as in bpf/engine/tables.h. */
export type Tables = {
  readonly words: number;
  /** Constants of the program: another spec needs another program. */
  readonly spec: Uint8Array;
  readonly table: Uint8Array;
  /** Of the map `rows`, as wide as rowBytes(words). */
  readonly rows: readonly Uint8Array[];
  readonly numbers: readonly Entry[];
  readonly equals: readonly Entry[];
  readonly prefixes: readonly Entry[];
  readonly actions: readonly Uint8Array[];
};
export type Entry = { readonly key: Uint8Array; readonly value: Uint8Array };

const { MATCH_NUMBER, MATCH_EQUAL, MATCH_PREFIX, MATCH_FOLLOWED } = enums.slot_match;
const { USE_NUMBERS, USE_TEXTS, USE_NUMBER_EVENTS } = enums.hook_use;
type CapTest = Values<typeof layout.hook_table.fields.caps.type>;
type Bit = { readonly planned: PlannedHook; readonly selector: number };

/** Compiles one attach point. Throws RangeError where a stated limit of the engine is exceeded. */
export function compile(point: AttachPoint, shared: Shared): Tables {
  const bits = point.hooks.flatMap((planned) =>
    planned.selectors.map((_, selector): Bit => ({ planned, selector })),
  );
  const words = wordsFor(bits.length);
  if (words === undefined) {
    throw new RangeError(
      `${point.symbol}: ${bits.length} selectors; the engine takes ${enums.engine_limit.WORDS_MAX * 64} on one attach point`,
    );
  }
  const slots = assignSlots(point);
  checkSlots(point, slots);
  return new Builder(words, bits, slots, shared).build(point);
}

/** The row of one scope class: the selectors of the sets that hold there. */
export function classRow(
  point: AttachPoint,
  words: number,
  names: ReadonlySet<string>,
): Uint8Array {
  const bits = classBits(point, words, names);
  return toRow(bits, onlyWord(bits));
}

function classBits(point: AttachPoint, words: number, names: ReadonlySet<string>): Bits {
  const owners = point.hooks.flatMap((planned) => planned.selectors.map(() => planned.set.name));
  return bitsWhere(words, owners.length, (bit) => names.has(owners[bit]!));
}

class Builder {
  readonly #words: number;
  readonly #bits: readonly Bit[];
  readonly #conditions: readonly (readonly Condition[])[];
  readonly #slots: Slots;
  readonly #shared: Shared;
  readonly #rows: Bits[] = [];
  readonly #numbers: Entry[] = [];
  readonly #equals: Entry[] = [];
  readonly #prefixes: Entry[] = [];
  #use = 0;

  constructor(words: number, bits: readonly Bit[], slots: Slots, shared: Shared) {
    this.#words = words;
    this.#bits = bits;
    this.#slots = slots;
    this.#shared = shared;
    this.#conditions = bits.map(({ planned, selector }) => planned.selectors[selector]!.conditions);
  }

  build(point: AttachPoint): Tables {
    const { classes, classCapacity } = this.#shared;
    for (let number = 0; number < classCapacity; number++) {
      this.#rows.push(classBits(point, this.#words, classes[number] ?? new Set()));
    }
    const own = this.#dimensions();
    const host = this.#rows[0]!;
    own[enums.table_row.HOST_ROW] = host;
    const cap_base = this.#rows.length;
    const caps = this.#addCapabilities(point.symbol);
    const follow_base = this.#rows.length;
    this.#addFollow();
    // The rows themselves follow, as wide as the selectors need.
    const head = new Uint8Array(layout.hook_table.fields.rows.at);
    write(head, layout.hook_table, {
      ...{ classes: classCapacity, cap_base, cap_count: caps.length, follow_base },
      ...this.#addBinaries(own),
      host: host.some((byte) => byte !== 0) ? 1 : 0,
      ...{ host_word: onlyWord(host), caps },
    });
    const actions = this.#addActions();
    return {
      words: this.#words,
      spec: this.#spec(point),
      table: Buffer.concat([head, ...own]),
      rows: this.#rows.map((bits, row) => toRow(bits, row < classCapacity ? onlyWord(bits) : 0)),
      numbers: this.#numbers,
      equals: this.#equals,
      prefixes: this.#prefixes,
      actions,
    };
  }

  #spec(point: AttachPoint): Uint8Array {
    let reads = 0;
    if (this.#slots.slots.every(({ type }) => isNumber(type))) this.#use |= USE_NUMBER_EVENTS;
    for (const { index, sizeIndex, match } of this.#slots.slots) {
      reads |= 1 << index;
      if (sizeIndex !== 0 && sizeIndex !== enums.size_index.SIZE_IS_RETURN) {
        reads |= 1 << (sizeIndex - 1);
      }
      if (match & (MATCH_NUMBER | MATCH_FOLLOWED)) this.#use |= USE_NUMBERS;
      if (match & (MATCH_EQUAL | MATCH_PREFIX)) this.#use |= USE_TEXTS;
    }
    return bytesOf(layout.hook_spec, {
      ...{ words: this.#words, use: this.#use, syscall: point.syscall ? 1 : 0, reads },
      compared: this.#slots.comparedCount,
      event_args: Math.max(...point.hooks.map(({ hook }) => hook.args.length)),
      readings: this.#slots.slots.map(({ type, index, match, sizeIndex, followBlock }) => ({
        ...{ type: argCodes[type], index, match },
        ...{ size_index: sizeIndex, follow_block: followBlock },
      })),
    });
  }

  #where(is: (bit: number) => boolean): Bits {
    return bitsWhere(this.#words, this.#bits.length, is);
  }

  /** The table's own rows but the host's, with every dimension's entries in the value tables. */
  #dimensions(): Bits[] {
    const rows = Array.from({ length: enums.table_row.TABLE_ROWS }, () => this.#where(() => true));
    const place = (dim: number, dimension: Dimension): void => {
      rows[2 * dim] = dimension.otherwise;
      rows[2 * dim + 1] = dimension.absent;
    };
    this.#addPids(rows, place);
    for (let number = 0; number < this.#slots.comparedCount; number++) this.#addSlot(number, rows);
    return rows;
  }

  #addPids(rows: Bits[], place: (dim: number, dimension: Dimension) => void): void {
    const flat = (inNamespace: boolean, dim: number, use: number): void => {
      const asked = collect(this.#conditions, (c) =>
        c.by === "pid" && c.inNamespace === inNamespace && !c.followForks
          ? listing(c.op === "NotIn", c.values.map(String))
          : undefined,
      );
      if (asked.length === 0) return;
      this.#use |= use;
      const dimension = equalityDimension(this.#words, this.#bits.length, asked);
      place(dim, dimension);
      this.#addNumbers(dim, dimension);
    };
    flat(true, enums.dimension.DIM_NSPID, enums.hook_use.USE_NSPID);
    flat(false, enums.dimension.DIM_PID, enums.hook_use.USE_PID);
    this.#addPidTree(rows, false);
    this.#addPidTree(rows, true);
  }

  /** The kernel adds the entries of all generations up, so these hold single conditions' bits. */
  #addPidTree(rows: Bits[], inNamespace: boolean): void {
    const [listedDim, excludedDim] = inNamespace
      ? [enums.dimension.DIM_NSPID_TREE_IN, enums.dimension.DIM_NSPID_TREE_NOT]
      : [enums.dimension.DIM_PID_TREE_IN, enums.dimension.DIM_PID_TREE_NOT];
    const tree = (op: "In" | "NotIn") =>
      collect(this.#conditions, (c) =>
        c.by === "pid" && c.inNamespace === inNamespace && c.followForks && c.op === op
          ? c
          : undefined,
      );
    const [listed, excluded] = [tree("In"), tree("NotIn")];
    if (listed.length + excluded.length === 0) return;
    const double = listed.find(({ conditions }) => conditions.length > 1);
    if (double !== undefined) {
      const { name } = this.#bits[double.bit]!.planned.set;
      throw new RangeError(
        `${name}: one selector has two matchPIDs In with followForks; write one`,
      );
    }
    this.#use |= inNamespace ? enums.hook_use.USE_NSPID_TREE : enums.hook_use.USE_PID_TREE;
    const asking = new Set(listed.map(({ bit }) => bit));
    rows[2 * listedDim] = this.#where((bit) => !asking.has(bit));
    for (const [dim, asked] of [
      [listedDim, listed],
      [excludedDim, excluded],
    ] as const) {
      const values = new Set(
        asked.flatMap(({ conditions }) => conditions.flatMap((c) => c.values)),
      );
      for (const value of values) {
        const users = new Set(
          asked
            .filter(({ conditions }) => conditions.some((c) => c.values.includes(value)))
            .map(({ bit }) => bit),
        );
        this.#numbers.push({
          key: numberKey(dim, BigInt(value)),
          value: this.#where((bit) => users.has(bit)),
        });
      }
    }
  }

  #addNumbers(dim: number, dimension: Dimension): void {
    for (const [value, bits] of dimension.entries) {
      this.#numbers.push({ key: numberKey(dim, BigInt(value)), value: bits });
    }
  }

  #addSlot(number: number, rows: Bits[]): void {
    const slot = this.#slots.slots[number]!;
    const dim = enums.dimension.DIM_SLOT + number;
    const asked = (want: (op: string) => boolean) =>
      this.#bits.flatMap(({ planned }, bit) => {
        const { args } = this.#slots.ofHook.get(planned)!;
        const conditions = this.#conditions[bit]!.flatMap((c) =>
          c.by === "arg" && args[c.arg] === number && want(c.op)
            ? [listing(c.op.startsWith("Not"), c.values.map(bytes))]
            : [],
        );
        return conditions.length === 0 ? [] : [{ bit, conditions }];
      });
    const equal = asked((op) => op === "Equal" || op === "NotEqual");
    const prefix = asked((op) => op === "Prefix" || op === "NotPrefix");
    const asking = new Set([...equal, ...prefix].map(({ bit }) => bit));
    rows[2 * dim + 1] = this.#where((bit) => !asking.has(bit));
    const equals = equalityDimension(this.#words, this.#bits.length, equal);
    if (slot.match & enums.slot_match.MATCH_NUMBER) {
      rows[2 * dim] = equals.otherwise;
      this.#addNumbers(dim, equals);
      return;
    }
    rows[enums.table_row.EQUAL_ROW + number] = equals.otherwise;
    for (const [value, bits] of equals.entries) {
      this.#equals.push({ key: equalKey(dim, value), value: bits });
    }
    const prefixes = prefixDimension(this.#words, this.#bits.length, prefix);
    rows[2 * dim] = prefixes.otherwise;
    for (const [value, bits] of prefixes.entries) {
      this.#prefixes.push({ key: prefixKey(dim, value), value: bits });
    }
  }

  /** The tests that some selector asks; adds their rows. */
  #addCapabilities(symbol: string): readonly CapTest[] {
    const asked = collect(this.#conditions, (c) => (c.by === "capability" ? c : undefined));
    const tests = new Map<string, CapTest>();
    for (const condition of asked.flatMap(({ conditions }) => conditions)) {
      tests.set(capabilityTest(condition), {
        mask: condition.values.reduce((mask, number) => mask | (1n << BigInt(number)), 0n),
        set: capSetCodes[condition.set],
        user_ns: capUserNsCodes[condition.userNamespace],
      });
    }
    if (tests.size === 0) return [];
    if (tests.size > enums.engine_limit.CAP_TESTS_MAX) {
      throw new RangeError(
        `${symbol}: ${tests.size} different matchCapabilities; the engine takes ${enums.engine_limit.CAP_TESTS_MAX} on one attach point`,
      );
    }
    this.#use |= enums.hook_use.USE_CAPS;
    const byBit = new Map(asked.map((one) => [one.bit, one.conditions]));
    for (const key of tests.keys()) {
      const row = (meets: (op: "In" | "NotIn") => boolean) =>
        this.#where((bit) =>
          (byBit.get(bit) ?? []).every((c) => capabilityTest(c) !== key || meets(c.op)),
        );
      this.#rows.push(row((op) => op === "NotIn"));
      this.#rows.push(row((op) => op === "In"));
      this.#rows.push(row(() => false));
    }
    return [...tests.values()];
  }

  #addFollow(): void {
    for (const [number, slot] of this.#slots.slots.entries()) {
      if ((slot.match & enums.slot_match.MATCH_FOLLOWED) === 0) continue;
      const needs = (bit: number) =>
        this.#slots.ofHook.get(this.#bits[bit]!.planned)!.followed.includes(number);
      const groupOf = (bit: number) =>
        this.#shared.followGroups.get(this.#bits[bit]!.planned.set.name);
      this.#rows.push(this.#where((bit) => !needs(bit)));
      for (let group = 0; group < enums.engine_limit.FOLLOW_GROUPS; group++) {
        this.#rows.push(this.#where((bit) => needs(bit) && groupOf(bit) === group));
      }
    }
  }

  /** Where the rows by executable id begin, and how many; in `rows` what those leave that have none. */
  #addBinaries(rows: Bits[]) {
    const asked = (prefix: boolean) =>
      collect(this.#conditions, (c) =>
        c.by === "binary" && c.op.endsWith("Prefix") === prefix
          ? listing(c.op.startsWith("Not"), c.values.map(bytes))
          : undefined,
      );
    const [exact, prefix] = [asked(false), asked(true)];
    if (exact.length + prefix.length === 0) return {};
    this.#use |= enums.hook_use.USE_BINARY;
    if (exact.length > 0) this.#use |= enums.hook_use.USE_BINARY_EXACT;
    if (prefix.length > 0) this.#use |= enums.hook_use.USE_BINARY_PREFIX;
    const asking = new Set([...exact, ...prefix].map(({ bit }) => bit));
    rows[2 * enums.dimension.DIM_BINARY + 1] = this.#where((bit) => !asking.has(bit));
    const exactly = equalityDimension(this.#words, this.#bits.length, exact);
    const byPrefix = prefixDimension(this.#words, this.#bits.length, prefix);
    rows[2 * enums.dimension.DIM_BINARY] = exactly.otherwise;
    rows[2 * enums.dimension.DIM_BINARY_PREFIX] = byPrefix.otherwise;
    const add = (
      { entries, otherwise }: Dimension,
      ids: ReadonlyMap<string, number>,
      keyOf: (value: string) => string,
    ) => {
      const base = this.#rows.length;
      for (const value of ids.keys()) this.#rows.push(entries.get(keyOf(value)) ?? otherwise);
      return base;
    };
    const { binaryExact, binaryPrefix } = this.#shared;
    const exact_base = add(exactly, binaryExact, (value) => value);
    const prefix_base = add(byPrefix, binaryPrefix, longestListed(byPrefix.entries));
    const counts = { exact_count: binaryExact.size, prefix_count: binaryPrefix.size };
    return { exact_base, prefix_base, ...counts };
  }

  #addActions(): Uint8Array[] {
    return this.#bits.map(({ planned, selector }, bit) => {
      const args = this.#slots.ofHook.get(planned)!;
      const action = encodeAction(planned, selector, {
        number: this.#shared.hookNumber(planned),
        next: bit - selector + planned.selectors.length,
        slots: this.#slots.slots,
        args: args.args,
        group: this.#shared.followGroups.get(planned.set.name),
      });
      this.#use |= action.use;
      return action.bytes;
    });
  }
}

function listing(negated: boolean, values: readonly string[]): Listing {
  return { negated, values: new Set(values) };
}

/** Text as a string of its UTF-8 bytes, so that lengths and prefixes are those of the kernel. */
export function bytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
