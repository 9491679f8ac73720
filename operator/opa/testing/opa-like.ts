import {
  body,
  encodeModule,
  functionType,
  i32Const,
  list,
  section,
  sized,
  text,
} from "./encode-wasm.ts";

type Bytes = readonly number[];

/** Parts of a module to be replaced: each is a whole section, or the code of one function. */
export type OpaLike = {
  /** From number 9 on. */
  readonly moreTypes?: readonly Bytes[];
  readonly imports?: Bytes;
  readonly table?: Bytes;
  readonly memory?: Bytes;
  readonly start?: Bytes;
  /** Code of its start function. */
  readonly starting?: Bytes;
  /** Body of `builtins` in place of the above, its locals with it. */
  readonly builtins?: Bytes;
  /** Whether names of functions are left out; default false. */
  readonly nameless?: boolean;
  /** After all others. */
  readonly last?: Bytes;
  /** What an evaluation does before it answers `[{"result": {}}]`. */
  readonly evaluating?: Bytes;
  /** What the module does when it is asked which builtins it calls. */
  readonly loading?: Bytes;
};

/**
 * A module of the shape that `opa build -t wasm` writes, as small as an instance takes it: it names
 * the entry point `x/y`, calls no builtin, and parses nothing.
 */
export function opaLike(parts: OpaLike = {}): Uint8Array<ArrayBuffer> {
  const { evaluating = [], loading = [], starting } = parts;
  const types = [0, 1, 2, 3, 4, 5, 6, 7].map((params) => functionType(params, 1));
  const moreTypes = parts.moreTypes ?? [];
  const heap = 65_536;
  const functions: readonly (readonly [name: string, params: number, code: Bytes])[] = [
    ["builtins", 0, parts.builtins ?? body(loading, i32Const(texts.none))],
    ["entrypoints", 0, body(i32Const(texts.entryPoints))],
    ["opa_malloc", 1, body(i32Const(heap))],
    ["opa_free", 1, body(i32Const(0))],
    ["opa_json_dump", 1, body([0x20, 0])],
    ["opa_value_dump", 1, body([0x20, 0])],
    ["opa_json_parse", 2, body(i32Const(heap))],
    ["opa_value_parse", 2, body(i32Const(heap))],
    ["opa_heap_ptr_get", 0, body(i32Const(heap))],
    ["opa_heap_ptr_set", 1, body(i32Const(0))],
    ["opa_heap_blocks_stash", 0, body(i32Const(0))],
    ["opa_heap_blocks_restore", 0, body(i32Const(0))],
    ["opa_heap_stash_clear", 0, body(i32Const(0))],
    ["opa_eval", 7, body(evaluating, i32Const(texts.result))],
  ];
  const names = list(functions.map(([name], i) => [i, ...text(name)]));
  const unnamed = starting === undefined ? [] : [body(starting)];
  const exported = functions.map(([name], i) => [...text(name), 0, i]);
  const globals = ["opa_wasm_abi_version", "opa_wasm_abi_minor_version"];
  return encodeModule(
    section(1, list([...types, functionType(0, 0), ...moreTypes])),
    parts.imports ?? section(2, list([[...text("env"), ...text("memory"), 2, 0, 2]])),
    section(3, list([...functions.map(([, params]) => [params]), ...unnamed.map(() => [8])])),
    parts.table ?? [],
    parts.memory ?? [],
    section(6, list([1, 3].map((value) => [0x7f, 0, ...i32Const(value), 0x0b]))),
    section(7, list([...exported, ...globals.map((name, i) => [...text(name), 3, i])])),
    parts.start ?? (starting === undefined ? [] : section(8, [functions.length])),
    section(10, list([...functions.map(([, , code]) => code), ...unnamed])),
    section(11, list(Object.entries(contents).map(([at, content]) => data(Number(at), content)))),
    parts.nameless === true ? [] : section(0, [...text("name"), 1, ...sized(names)]),
    parts.last ?? [],
  );
}

/** Where texts lie in its memory. */
const texts = { none: 16, entryPoints: 32, result: 64 } as const;
const contents = {
  [texts.none]: "{}",
  [texts.entryPoints]: '{"x/y":0}',
  [texts.result]: '[{"result":{}}]',
};

function data(at: number, content: string): Bytes {
  return [0, ...i32Const(at), 0x0b, ...text(`${content}\0`)];
}

/** Code that never ends: `loop br 0 end`. */
export const endless: Bytes = [0x03, 0x40, 0x0c, 0, 0x0b];

/** Code of `builtins` that calls itself, and of whatever else calls it. */
export const callsBuiltins: Bytes = [0x10, 0, 0x1a];

/** Code that takes 200 MiB at once, fills 190 of them with `[`, and answers with where that is. */
export const returnsBrackets: Bytes = [
  ...[...i32Const(200 << 4), 0x40, 0, 0x1a], // memory.grow
  ...[...i32Const(17 << 20), ...i32Const(0x5b), ...i32Const(190 << 20), 0xfc, 0x0b, 0],
  ...[...i32Const(17 << 20), 0x0f],
];

/** Code that takes memory, a mebibyte at a time, and fills it with ones, until there is no more. */
export const takesAllMemory: Bytes = [
  ...[0x03, 0x40], // loop
  ...[...i32Const(16), 0x40, 0, ...i32Const(0), 0x4e], // memory.grow 16 >= 0
  ...[0x04, 0x40], // if: memory.fill((memory.size - 16) * 65536, 1, 1 MiB); br 1
  ...[0x3f, 0, ...i32Const(16), 0x6b, ...i32Const(65_536), 0x6c],
  ...[...i32Const(1), ...i32Const(1 << 20), 0xfc, 0x0b, 0, 0x0c, 1],
  ...[0x0b, 0x0b],
];

/** Type 9, an array of references to such arrays, and a body that links ever more of them, in the heap of WasmGC. */
export const arraysOfArrays: OpaLike = {
  moreTypes: [[0x5e, 0x63, 9, 1]],
  nameless: true, // it is run as it is, and then refused
  builtins: sized([
    ...[1, 1, 0x63, 9], // a local of type (ref null 9)
    ...[0x03, 0x40, 0x20, 0, ...i32Const(100_000), 0xfb, 6, 9, 0x21, 0, 0x0c, 0, 0x0b],
    ...[...i32Const(0), 0x0b],
  ]),
};
