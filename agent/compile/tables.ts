import { createHash } from "node:crypto";
import { allActions, isEnforcing } from "@guardbee/policy/sets";
import { argCodec } from "../args/index.ts";
import type { Field, Sees } from "../attach/index.ts";
import { enums, layout } from "../gen/layout.ts";
import { bytesOf, write } from "../layout/struct.ts";
import { encodeActions } from "./actions.ts";
import { type Bits, bitsWhere, onlyWord, toRow, wordsFor } from "./bits.ts";
import { classBits, classRow } from "./class-rows.ts";
import { comparesBefore } from "./conditions/capability.ts";
import type { DimensionTables } from "./conditions/compiler.ts";
import { compilerOf } from "./conditions/index.ts";
import { type AskedFacet, checkFacets, facetsOf } from "./facets.ts";
import type { Entry } from "./keys.ts";
import { encodePaths } from "./paths.ts";
import { type Bit, bitsOf, type Places, selectorCount } from "./places.ts";
import type { AttachPoint } from "./plan.ts";
import {
  checkReadings,
  mostArgs,
  pathsOf,
  type Readings,
  readingKey,
  readingsOf,
} from "./readings.ts";
import type { Shared } from "./shared.ts";
import { typedFlag } from "./typed.ts";
import { ValueRows } from "./value-rows.ts";

const { PATH_OF_REGISTERS } = enums.path_source;
const { ROW_OTHERWISE, ROW_ABSENT, ROW_UNEQUAL, ROW_UNENDED, ROW_SURE } = enums.facet_row;

/** Exact map contents of one attach point. Keys and values are as in bpf/engine/tables.h. */
export type Tables = {
  readonly words: number;
  /** Constants of the program: another spec needs another program. */
  readonly spec: Uint8Array;
  readonly table: Uint8Array;
  /** Of the map `rows`, as wide as rowBytes(words). */
  readonly rows: readonly Uint8Array[];
  /** Of the map `starts`, 8 bytes a row; none where nothing is compared by range. */
  readonly starts: readonly Uint8Array[];
  /** Of the map `substrings`, of one size; none where nothing is looked for in texts. */
  readonly substrings: readonly Uint8Array[];
  readonly numbers: readonly Entry[];
  readonly equals: readonly Entry[];
  readonly prefixes: readonly Entry[];
  readonly actions: readonly Uint8Array[];
  /** Some Post has a rate limit, so that the program remembers calls. */
  readonly limitsRates: boolean;
};

/** Compiles one attach point. Throws RangeError where a stated limit of the engine is exceeded. */
export function compile(point: AttachPoint, shared: Shared): Tables {
  const bits = bitsOf(point.hooks);
  const words = wordsFor(bits.length);
  if (words === undefined) {
    throw new RangeError(
      `${point.symbol}: ${selectorCount(point.hooks)} selectors; the engine takes ${enums.engine_limit.WORDS_MAX * 64} on one attach point`,
    );
  }
  const readings = readingsOf(point);
  checkReadings(point, readings);
  const facets = facetsOf(bits, readings, point.kind.sees);
  checkFacets(point, facets);
  const dimensions = facets.map(({ asked }, dim) =>
    compilerOf(asked[0]!.conditions[0]!).compile(asked, {
      ...{ dim, shared, symbol: point.symbol },
      where: (is) => bitsWhere(words, bits.length, is),
      hookOf: (bit) => bits[bit]!.planned, // asked of bits that ask something
    }),
  );
  const eventReadings = mostArgs(readings);
  const { entries, use, actions } = encodeEntries(bits, readings, {
    ...{ shared, eventReadings },
    sees: point.kind.sees,
  });
  const substrings = encodeSubstrings(dimensions);
  const { table, starts, rows } = encodeRows(point, { words, shared, facets, dimensions, bits });
  const values = new ValueRows(words, rows.length);
  const numbers = values.numbered(dimensions.flatMap((one) => one.numbers ?? []));
  const equals = values.numbered(dimensions.flatMap((one) => one.equals ?? []));
  const prefixes = values.numbered(dimensions.flatMap((one) => one.prefixes ?? []));
  return {
    words,
    spec: encodeSpec(point, {
      ...{ words, use, actions, readings, eventReadings, facets, dimensions },
      substringSize: substrings[0]?.length ?? 0,
    }),
    ...{ table, starts, rows: [...rows, ...values.rows()], substrings, numbers, equals, prefixes },
    actions: entries,
    limitsRates: (use & enums.hook_use.USE_RATES) !== 0,
  };
}

/** struct hook_spec */
function encodeSpec(
  point: AttachPoint,
  {
    words,
    use,
    actions,
    readings: { all },
    eventReadings,
    facets,
    dimensions,
    substringSize,
  }: {
    readonly words: number;
    readonly use: number;
    readonly actions: number;
    readonly readings: Readings;
    readonly eventReadings: readonly number[];
    readonly facets: readonly AskedFacet[];
    readonly dimensions: readonly DimensionTables[];
    readonly substringSize: number;
  },
): Uint8Array {
  const sized = all.filter(({ sizeIndex }) => sizeIndex !== 0);
  const paths = pathsOf(all);
  const encodedPaths = encodePaths(point, paths);
  const read = [
    ...all.flatMap(({ index, path }) => (path === undefined ? [index] : [])),
    ...sized.map(({ sizeIndex }) => sizeIndex - 1),
    ...encodedPaths.flatMap(({ source }) =>
      source < enums.engine_limit.PARAMETERS_MAX ? [source] : [],
    ),
  ];
  const { USE_NUMBER_EVENTS, USE_RATES, USE_RETURNED, USE_FUNCTIONS } = enums.hook_use;
  const { USE_WHOLE, USE_UNREAD, USE_STACKS, USE_REGISTERS, USE_CHANGES } = enums.hook_use;
  const { FIRST_PATH } = enums.engine_limit;
  const hasWhole = all.some(({ flags }) => flags & enums.reading_flag.READ_WHOLE);
  const isProbe = point.file?.kind === "usdt";
  const onlyNumbers =
    !isProbe &&
    paths.length === 0 &&
    (use & (USE_RATES | USE_RETURNED | USE_STACKS)) === 0 &&
    all.every(({ type }) => argCodec(type).isNumber);
  const numberOf = new Map(all.map((reading, number) => [readingKey(reading), number]));
  return bytesOf(layout.hook_spec, {
    words,
    use:
      use |
      (onlyNumbers ? USE_NUMBER_EVENTS : 0) |
      (point.functions === undefined ? 0 : USE_FUNCTIONS) |
      (hasWhole ? USE_WHOLE : 0) |
      (isProbe ? USE_UNREAD : 0) |
      (comparesBefore(dimensions.flatMap(({ caps }) => caps ?? [])) ? USE_CHANGES : 0) |
      (encodedPaths.some(({ source }) => source === PATH_OF_REGISTERS) ? USE_REGISTERS : 0),
    ...{ syscall: registersCode(point), entry: point.entry ?? 0 },
    facet_count: facets.length,
    ...{ event_args: eventReadings.length, event_readings: eventReadings },
    reads: read.reduce((bits, index) => (bits | (1 << index)) >>> 0, 0),
    ...{ actions, point: (use & USE_RETURNED) === 0 ? 0 : numberOfPoint(point) },
    substring_size: substringSize,
    facets: facets.map(({ facet: { kind, part, reading, other } }, dim) => ({
      ...{ kind, part: part ?? 0 },
      match: other === undefined ? (dimensions[dim]!.match ?? 0) : numberOf.get(readingKey(other))!,
      reading: reading === undefined ? 0 : numberOf.get(readingKey(reading))!,
    })),
    readings: all.map((reading) => ({
      type: argCodec(reading.type).code,
      index: reading.path === undefined ? reading.index : FIRST_PATH + paths.indexOf(reading.path),
      ...{ size_index: reading.sizeIndex, flags: reading.flags | typedFlag(point, reading) },
    })),
    types: typesOf(all),
    kinds: facets.reduce((bits, { facet }) => (bits | (1 << facet.kind)) >>> 0, 0),
    fields: fieldsOf(point, read),
    ...{ path_count: paths.length, paths: encodedPaths },
  });
}

/** Where in the record of a tracepoint those fields are that are read; none: it is no tracepoint. */
function fieldsOf({ format }: AttachPoint, read: readonly number[]) {
  return (format?.fields ?? []).slice(0, enums.engine_limit.FIELDS_MAX).map((field, index) => ({
    ...{ offset: field.offset, size: field.size, element: field.element },
    kind: read.includes(index) ? fieldKinds[field.kind] : enums.field_kind.FIELD_NONE,
  }));
}

const fieldKinds: Readonly<Record<Field["kind"], number>> = {
  unsigned: enums.field_kind.FIELD_UNSIGNED,
  signed: enums.field_kind.FIELD_SIGNED,
  array: enums.field_kind.FIELD_ARRAY,
  data_loc: enums.field_kind.FIELD_DATA_LOC,
  rel_loc: enums.field_kind.FIELD_REL_LOC,
};

/** The same for the programs at both ends of a call. */
function numberOfPoint({ symbol }: AttachPoint): number {
  return createHash("sha256").update(symbol).digest().readUInt32LE();
}

function registersCode({ syscall, file }: AttachPoint): number {
  const { SYSCALL_NONE, SYSCALL_OWN, SYSCALL_32BIT, SYSCALL_OF_PROGRAM } = enums.hook_syscall;
  if (file !== undefined) return SYSCALL_OF_PROGRAM;
  if (syscall === false) return SYSCALL_NONE;
  return syscall === "own" ? SYSCALL_OWN : SYSCALL_32BIT;
}

/** struct hook_table, and what is in the map `rows`: scope classes, then what each dimension has. */
function encodeRows(
  point: AttachPoint,
  {
    words,
    shared: { classes, classCapacity },
    facets: asked,
    dimensions,
    bits,
  }: {
    readonly words: number;
    readonly shared: Shared;
    readonly facets: readonly AskedFacet[];
    readonly dimensions: readonly DimensionTables[];
    readonly bits: Places;
  },
): Pick<Tables, "table" | "rows" | "starts"> {
  const bitsOfClass = classBits(point, words);
  const none = new Uint8Array(words * 8);
  const noneRow = classRow(none);
  const ofClasses = Array.from({ length: classCapacity }, (_, number) => {
    const names = classes[number];
    return names === undefined ? none : bitsOfClass(names);
  });
  const host = ofClasses[0]!;
  let base = classCapacity;
  let automata = 0;
  const facets = dimensions.map(({ rows, count, substring }) => {
    const facet = { base, count: substring === undefined ? (count ?? 0) : automata++ };
    base += rows?.length ?? 0;
    return facet;
  });
  const head = new Uint8Array(layout.hook_table.fields.rows.at);
  write(head, layout.hook_table, {
    ...{ classes: classCapacity, facets, caps: dimensions.flatMap(({ caps }) => caps ?? []) },
    ...{ host: host.some((byte) => byte !== 0) ? 1 : 0, host_word: onlyWord(host) },
  });
  const stopping = bitsWhere(words, bits.length, (bit) => mayStop(bits[bit]));
  const own = dimensions.flatMap(({ otherwise, absent, unequal = none, unended = none }, dim) => {
    const asking = new Set(asked[dim]!.asked.map(({ bit }) => bit));
    const rows: Bits[] = [];
    rows[ROW_SURE] = bitsWhere(words, bits.length, (bit) => asking.has(bit) && isSure(bits[bit]));
    rows[ROW_OTHERWISE] = otherwise;
    rows[ROW_ABSENT] = absent;
    rows[ROW_UNEQUAL] = unequal;
    rows[ROW_UNENDED] = unended;
    return rows;
  });
  const rows = [
    ...ofClasses.map((bits) => (bits === none ? noneRow : classRow(bits))),
    ...dimensions.flatMap(({ rows }) => rows ?? []).map((bits) => toRow(bits, 0)),
  ];
  return {
    // The rows themselves follow, as many and as wide as there are facets and selectors.
    table: Buffer.concat([head, host, stopping, ...own]),
    rows,
    starts: encodeStarts(dimensions, facets, rows.length),
  };
}

/** So much at least: a few more texts need no other program. */
const leastSubstringSize = 4096;

/** What finds texts in others, of one size, a power of two. */
function encodeSubstrings(dimensions: readonly DimensionTables[]): readonly Uint8Array[] {
  const all = dimensions.flatMap(({ substring }) => substring ?? []);
  const most = Math.max(leastSubstringSize, ...all.map(({ length }) => length));
  const size = 2 ** Math.ceil(Math.log2(most));
  return all.map((bytes) => {
    const entry = new Uint8Array(size);
    entry.set(bytes);
    return entry;
  });
}

/** Of each row the least number that it is for; of rows that are for none, 0. */
function encodeStarts(
  dimensions: readonly DimensionTables[],
  facets: readonly { readonly base: number }[],
  count: number,
): readonly Uint8Array[] {
  if (dimensions.every(({ starts }) => starts === undefined)) return [];
  const all = new BigUint64Array(count);
  for (const [dim, { starts = [] }] of dimensions.entries()) all.set(starts, facets[dim]!.base);
  return Array.from(all, (_, row) => new Uint8Array(all.buffer, 8 * row, 8));
}

function isSure(bit: Bit | undefined): boolean {
  if (bit === undefined) return false;
  const { planned, selector } = bit;
  return planned.selectors[selector]!.surely === true;
}

/** hook_spec.types */
function typesOf(readings: Readings["all"]): readonly number[] {
  const types = readings.reduce((bits, { type }) => bits | (1n << BigInt(argCodec(type).code)), 0n);
  return [Number(BigInt.asUintN(32, types)), Number(types >> 32n)];
}

function mayStop(bit: Bit | undefined): boolean {
  if (bit === undefined) return false;
  const { planned, selector } = bit;
  const all = allActions(planned.selectors[selector]!);
  return planned.set.set.mode === "enforce" && all.some(isEnforcing);
}

/** Of a bit that is nobody's. */
const noEntry = { bytes: new Uint8Array(layout.action_entry.size), use: 0, actions: 0 };

function encodeEntries(
  bits: Places,
  readings: Readings,
  {
    shared,
    eventReadings,
    sees,
  }: {
    readonly shared: Shared;
    readonly eventReadings: readonly number[];
    readonly sees: Sees;
  },
) {
  const all = bits.map((place, bit) => {
    if (place === undefined) return noEntry;
    const { planned, selector } = place;
    return encodeActions(planned, selector, {
      number: shared.hookNumber(planned),
      next: bit - selector + planned.selectors.length,
      ...{ readings, eventReadings, sees },
      group: shared.followGroups.get(planned.set.name),
    });
  });
  return {
    entries: all.map(({ bytes }) => bytes),
    use: all.reduce((uses, { use }) => uses | use, 0),
    actions: all.reduce((carriedOut, { actions }) => carriedOut | actions, 0),
  };
}
