import { body, encodeModule, functionType, i32Const, list, section, text } from "./encode-wasm.ts";

type Bytes = readonly number[];

/** Parts of a module to be replaced: each is a whole section, or the code of one function. */
export type OpaLike = {
  readonly types?: Bytes;
  readonly imports?: Bytes;
  readonly table?: Bytes;
  readonly memory?: Bytes;
  readonly start?: Bytes;
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
  const { evaluating = [], loading = [] } = parts;
  const types = [0, 1, 2, 3, 4, 5, 6].map((params) => functionType(params, 1));
  const seven = functionType(7, 1); // type 7: opa_eval
  const heap = 65_536;
  const functions: readonly (readonly [name: string, params: number, code: Bytes])[] = [
    ["builtins", 0, body(loading, i32Const(texts.none))],
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
  const exported = functions.map(([name], i) => [...text(name), 0, i]);
  const globals = ["opa_wasm_abi_version", "opa_wasm_abi_minor_version"];
  return encodeModule(
    parts.types ?? section(1, list([...types, seven])),
    parts.imports ?? section(2, list([[...text("env"), ...text("memory"), 2, 0, 2]])),
    section(3, list(functions.map(([, params]) => [params]))),
    parts.table ?? [],
    parts.memory ?? [],
    section(6, list([1, 3].map((value) => [0x7f, 0, ...i32Const(value), 0x0b]))),
    section(7, list([...exported, ...globals.map((name, i) => [...text(name), 3, i])])),
    parts.start ?? [],
    section(10, list(functions.map(([, , code]) => code))),
    section(11, list(Object.entries(contents).map(([at, content]) => data(Number(at), content)))),
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

/** Code of function `index`, without parameters and with a result, that calls itself. */
export const callsItself = (index: number): Bytes => [0x10, index, 0x1a];

/** Code that takes a page of memory and fills it, for ever: `loop` until none is to be had, and on. */
export const growing: Bytes = [
  ...[0x03, 0x40], // loop
  ...[...i32Const(16), 0x40, 0, 0x1a], // memory.grow 16, drop
  ...[...i32Const(0), ...i32Const(1), 0x3f, 0], // memory.fill(0, 1, memory.size * 65536)
  ...[...i32Const(65_536), 0x6c, 0xfc, 0x0b, 0],
  ...[0x0c, 0, 0x0b], // br 0, end
];
