import type { Problem } from "@guardbee/policy";
import { readModule, type WasmImport, type WasmModule } from "./wasm-module.ts";

/** Bounds of a shipped module, far above what `opa build` writes for any policy of a person. */
const most = {
  moduleBytes: 16 * 1024 * 1024,
  types: 256,
  params: 32,
  functions: 100_000,
  tableEntries: 100_000,
  /** Which the module asks for at its start, in pages of 64 KiB. */
  memoryPages: 256,
  globals: 64,
  exports: 256,
  bodyBytes: 4 * 1024 * 1024,
  dataSegments: 256,
} as const;

/**
 * Why a module is none that `opa build -t wasm` writes, by its shape: sections, types, imports, table,
 * memory and sizes; empty when it could be one. What its functions do is not known from this, so it
 * runs under limits all the same (docs/decisions/0009). Never throws.
 */
export function shapeProblems(bytes: Uint8Array): readonly Problem[] {
  if (bytes.byteLength > most.moduleBytes) {
    return [refusal(`has ${bytes.byteLength} bytes, more than ${most.moduleBytes}`)];
  }
  const read = readModule(bytes);
  if (!read.ok) return [refusal(read.what)];
  return [...bounds(read.module), ...imports(read.module), ...starts(read.module)].map(refusal);
}

function bounds(module: WasmModule): readonly string[] {
  const { types, functions, tables, memories, globalCount, exports, bodies, dataCount } = module;
  const params = types.map(({ params, results }) => params.length + results.length);
  const counts = [
    ["types", types.length, most.types],
    ["parameters and results in a type", Math.max(0, ...params.slice(0, most.types)), most.params],
    ["functions", functions.length, most.functions],
    ["tables", tables.length, 1],
    ["globals", globalCount, most.globals],
    ["exports", exports.length, most.exports],
    ["bytes in a function", bodies.largestBytes, most.bodyBytes],
    ["data segments", dataCount, most.dataSegments],
  ] as const;
  const over = counts
    .filter(([, count, limit]) => count > limit)
    .map(([what, count, limit]) => `has ${count} ${what}, more than ${limit}`);
  const memory = memories.length > 0 ? ["has a memory of its own, and is to use the host's"] : [];
  const [table] = tables;
  const entries = table === undefined ? 0 : (table.maximum ?? Number.POSITIVE_INFINITY);
  const wide =
    entries > most.tableEntries
      ? [`has a table of up to ${entries} functions, more than ${most.tableEntries}`]
      : [];
  return [...over, ...memory, ...wide];
}

/** Parameters and result of what the host supplies: i32, as many as stand here. */
const supplied: Readonly<Record<string, readonly [params: number, results: number] | undefined>> = {
  opa_abort: [1, 0],
  opa_println: [1, 0],
  ...{ opa_builtin0: [2, 1], opa_builtin1: [3, 1], opa_builtin2: [4, 1] },
  ...{ opa_builtin3: [5, 1], opa_builtin4: [6, 1] },
};
const i32 = 0x7f;

function imports(module: WasmModule): readonly string[] {
  const names = module.imports.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) return [`imports ${JSON.stringify(twice.slice(0, 64))} twice`];
  if (!names.includes("memory")) return ["does not import the host's memory"];
  return module.imports.flatMap((one) => importProblem(one, module) ?? []);
}

function importProblem(one: WasmImport, { types }: WasmModule): string | undefined {
  const called = `${one.module}.${one.name}`.slice(0, 64);
  if (one.kind === "memory") {
    if (called !== "env.memory") return `imports the memory ${JSON.stringify(called)}`;
    const { minimum } = one.limits;
    if (minimum <= most.memoryPages) return undefined;
    return `asks for ${minimum} pages of memory at its start, more than ${most.memoryPages}`;
  }
  const expected = Object.hasOwn(supplied, one.name) ? supplied[one.name] : undefined;
  if (one.module !== "env" || expected === undefined) {
    return `imports the function ${JSON.stringify(called)}`;
  }
  const type = types[one.type];
  const [params, results] = expected;
  const right =
    type?.params.length === params &&
    type.results.length === results &&
    [...type.params, ...type.results].every((value) => value === i32);
  return right ? undefined : `imports ${called} with another type than OPA's`;
}

/** OPA's own start function sets up its heap; a module whose start is an import is not OPA's. */
function starts({ start, imports, functions, types }: WasmModule): readonly string[] {
  if (start === undefined) return [];
  const imported = imports.filter(({ kind }) => kind === "function").length;
  const type = types[functions[start - imported] ?? -1];
  const right = type?.params.length === 0 && type.results.length === 0;
  return right ? [] : ["has a start function that is not one of its own without parameters"];
}

function refusal(what: string): Problem {
  const fix = "compile it with opa build -t wasm of OPA 1.x, or ship the Rego alone";
  return { field: "policy.wasm", what, fix, kind: "invalid" };
}
