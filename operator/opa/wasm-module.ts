import { Malformed, ModuleReader, sectionsOf } from "./module-reader.ts";

/**
 * The sections of a WebAssembly module, as `readModule` finds them. Types, imports and indices are as
 * the binary format has them (WebAssembly Core 3.0, chapter 5); bodies of functions are not read.
 */
export type WasmModule = {
  /** Ids of the sections but custom ones, in the order of the file. */
  readonly sections: readonly number[];
  readonly types: readonly FunctionType[];
  readonly imports: readonly WasmImport[];
  /** Of each function of the module's own, the index of its type. */
  readonly functions: readonly number[];
  readonly tables: readonly Limits[];
  /** Memories of its own; not those that it imports. */
  readonly memories: readonly Limits[];
  readonly globalCount: number;
  readonly exports: readonly WasmExport[];
  /** Index of the function that runs when the module is instantiated. */
  readonly start: number | undefined;
  readonly bodies: { readonly count: number; readonly largestBytes: number };
  readonly dataCount: number;
};

/** Value types by their byte: i32, i64, f32, f64. */
export type FunctionType = {
  readonly params: readonly number[];
  readonly results: readonly number[];
};

export type Limits = { readonly minimum: number; readonly maximum: number | undefined };

export type WasmImport = { readonly module: string; readonly name: string } & (
  | { readonly kind: "function"; readonly type: number }
  | { readonly kind: "memory"; readonly limits: Limits }
);

export type WasmExport = { readonly name: string; readonly kind: number; readonly index: number };

export type ReadModule =
  | { readonly ok: true; readonly module: WasmModule }
  /** What stands there, as the predicate of a sentence about the module. */
  | { readonly ok: false; readonly what: string };

/** Ids of sections (Core 3.0, 5.5.2). */
const sectionNames = {
  ...{ 1: "type", 2: "import", 3: "function", 4: "table", 5: "memory", 6: "global", 7: "export" },
  ...{ 8: "start", 9: "element", 10: "code", 11: "data", 12: "data count", 13: "tag" },
} as const;

/**
 * Reads the sections of a module that uses no more than WebAssembly 1.0: what is newer in them
 * (struct and array types, tags, shared or 64-bit memories, other segments) is refused where it
 * stands. Takes time linear in the bytes, reads none twice, and never throws.
 */
export function readModule(bytes: Uint8Array): ReadModule {
  try {
    return { ok: true, module: readSections(bytes) };
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, what: error.message };
    throw error;
  }
}

/** Of a function type; each is a list of its own, and a module may have as many as of all else. */
const mostValues = 1_000;
const mostCustom = 64;

function readSections(bytes: Uint8Array): WasmModule {
  const found: Mutable = {
    ...{ sections: [], types: [], imports: [], functions: [], tables: [], memories: [] },
    ...{ globalCount: 0, exports: [], start: undefined, dataCount: 0 },
    bodies: { count: 0, largestBytes: 0 },
  };
  let custom = 0;
  for (const { id, content } of sectionsOf(bytes)) {
    const section = new ModuleReader(content);
    if (id === 0) {
      section.name();
      if (++custom > mostCustom) throw new Malformed(`has more than ${mostCustom} custom sections`);
      continue;
    }
    if (id <= (found.sections.at(-1) ?? 0)) throw new Malformed(`has section ${id} out of order`);
    const read = sectionReaders[id];
    if (read === undefined) {
      const name = (sectionNames as Readonly<Record<number, string>>)[id] ?? "unknown";
      throw new Malformed(`has a section ${id} (${name})`);
    }
    found.sections.push(id);
    read(section, found);
    if (!section.atEnd) throw new Malformed(`has ${section.left} bytes too many in section ${id}`);
  }
  return found;
}

type Mutable = { -readonly [K in keyof WasmModule]: Unfrozen<WasmModule[K]> };
type Unfrozen<T> = T extends readonly (infer E)[] ? E[] : T;

const sectionReaders: Readonly<
  Record<number, ((section: ModuleReader, found: Mutable) => void) | undefined>
> = {
  1: (section, found) => {
    found.types = section.list(functionType);
  },
  2: (section, found) => {
    found.imports = section.list(importOf);
  },
  3: (section, found) => {
    found.functions = section.list((reader) => reader.u32());
  },
  4: (section, found) => {
    found.tables = section.list((reader) => {
      reader.expect(0x70, "a table of other than functions");
      return limitsOf(reader, "a table");
    });
  },
  5: (section, found) => {
    found.memories = section.list((reader) => limitsOf(reader, "a memory"));
  },
  6: (section, found) => {
    found.globalCount = section.list((reader) => {
      reader.expect(0x7f, "a global that is no i32");
      if (reader.byte() > 1) throw new Malformed("has a global of unknown mutability");
      constant(reader);
    }).length;
  },
  7: (section, found) => {
    found.exports = section.list((reader) => {
      return { name: reader.name(), kind: reader.byte(), index: reader.u32() };
    });
  },
  8: (section, found) => {
    found.start = section.u32();
  },
  9: (section) => {
    section.list((reader) => {
      reader.expect(0, "an element segment that is not of WebAssembly 1.0");
      constant(reader);
      reader.list((one) => one.u32());
    });
  },
  10: (section, found) => {
    const sizes = section.list((reader) => reader.sized().byteLength);
    const largestBytes = sizes.reduce((most, one) => Math.max(most, one), 0);
    found.bodies = { count: sizes.length, largestBytes };
  },
  11: (section, found) => {
    found.dataCount = section.list((reader) => {
      reader.expect(0, "a data segment that is not of WebAssembly 1.0");
      constant(reader);
      reader.sized();
    }).length;
  },
};

function functionType(reader: ModuleReader): FunctionType {
  reader.expect(0x60, "a type that is no function type");
  const valueType = (one: ModuleReader) => {
    const type = one.byte();
    if (type < 0x7c || type > 0x7f) throw new Malformed(`has a value type 0x${type.toString(16)}`);
    return type;
  };
  return {
    params: reader.list(valueType, mostValues),
    results: reader.list(valueType, mostValues),
  };
}

function importOf(reader: ModuleReader): WasmImport {
  const module = reader.name();
  const name = reader.name();
  const kind = reader.byte();
  if (kind === 0) return { module, name, kind: "function", type: reader.u32() };
  if (kind === 2) return { module, name, kind: "memory", limits: limitsOf(reader, "a memory") };
  throw new Malformed(`imports ${JSON.stringify(name)}, which is no function and no memory`);
}

/** Without a maximum or with one; not shared, not of 64 bits. */
function limitsOf(reader: ModuleReader, what: string): Limits {
  const flags = reader.byte();
  if (flags > 1) throw new Malformed(`has ${what} with flags ${flags}, shared or of 64 bits`);
  const minimum = reader.u32();
  return { minimum, maximum: flags === 0 ? undefined : reader.u32() };
}

/** `i32.const N end`, the only initial value that there is. */
function constant(reader: ModuleReader): void {
  reader.expect(0x41, "an initial value that is no i32.const");
  let length = 1;
  while (reader.byte() >= 0x80) length++;
  if (length > 5) throw new Malformed("has an i32.const of more than 5 bytes");
  reader.expect(0x0b, "an initial value of several instructions");
}
