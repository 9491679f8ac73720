import { createRequire } from "node:module";
import { type Builtin, BuiltinError } from "./builtins/builtin.ts";
import { hostNumbers } from "./host-functions.ts";
import { lossyNumber } from "./lossy-numbers.ts";
import { isJson, plainJson } from "./plain-json.ts";
import { namingRule } from "./rule-in-stack.ts";
import { formatValue, parseValue, RegoObject, RegoSet, type RegoValue } from "./value.ts";

// The package's face for ES modules lacks this class.
const { LoadedPolicy } = createRequire(import.meta.url)(
  "@open-policy-agent/opa-wasm",
) as typeof import("@open-policy-agent/opa-wasm");

/** Of WebAssembly memory, in bytes. */
export const pageBytes = 64 * 1024;

export type MemoryLimits = {
  /** Pages of 64 KiB to begin with. */
  readonly initialPages: number;
  /** Pages at most; an evaluation that needs more fails. */
  readonly maximumPages: number;
  /** Of the text of a result. */
  readonly maximumResultBytes: number;
};

/**
 * Of the text of a builtin's operand, and about of its result. V8 cannot be interrupted in the
 * middle of making a string or parsing JSON: reaching a worker's limit there ends the process.
 */
const maximumOperandBytes = 8 * 1024 * 1024;

/** Of the JSON in which a module names its builtins, or its entry points: over 10,000 names. */
const maximumNamesBytes = 1024 * 1024;

export type Abi = { readonly version: number; readonly minor: number };

/** What the module exports (OPA: docs/wasm, wasm/src/*.c), addresses in its memory. */
type Exports = {
  readonly opa_wasm_abi_version: WebAssembly.Global;
  readonly opa_wasm_abi_minor_version: WebAssembly.Global;
  builtins(): number;
  opa_malloc(bytes: number): number;
  opa_json_dump(value: number): number;
  opa_value_parse(address: number, bytes: number): number;
  opa_value_dump(value: number): number;
  opa_eval(
    reserved: 0,
    entryPoint: number,
    data: number,
    input: number,
    inputBytes: number,
    heap: number,
    format: 1,
  ): number;
};

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * One instance of a module that `opa build -t wasm` wrote, ABI 1.2 and later. The SDK keeps data and
 * heap; builtins and results are ours, as the SDK hands sets to builtins as arrays, rounds numbers,
 * and prefers its own sprintf and YAML, which differ from OPA's (docs/decisions/0007). After an error
 * it is in no known state: make another.
 */
export class Instance {
  readonly abi: Abi;
  /** By name, the number that `opa_eval` wants. */
  readonly entryPoints: ReadonlyMap<string, number>;
  /** Builtins that the module calls in the host. */
  readonly builtins: readonly string[];
  readonly #memory: WebAssembly.Memory;
  readonly #exports: Exports;
  readonly #limits: MemoryLimits;
  readonly #policy: InstanceType<typeof LoadedPolicy>;

  /** Throws when the module is none of OPA's, or of another ABI. */
  constructor(
    module: WebAssembly.Module,
    limits: MemoryLimits,
    supplied: Readonly<Record<string, Builtin>>,
  ) {
    this.#limits = limits;
    this.#memory = new WebAssembly.Memory({
      initial: limits.initialPages,
      maximum: limits.maximumPages,
    });
    const byId = new Map(hostNumbers);
    const call = (id: number, _context: number, ...args: number[]) =>
      this.#callBuiltin(byId.get(id) ?? `number ${id}`, supplied, args);
    const env = {
      memory: this.#memory,
      opa_abort: (address: number) => {
        throw new Error(explained(this.#text(address)));
      },
      opa_println: () => {}, // print() is for authors, at their own opa
      opa_builtin0: call,
      opa_builtin1: call,
      opa_builtin2: call,
      opa_builtin3: call,
      opa_builtin4: call,
    };
    const exports = new WebAssembly.Instance(module, { env }).exports as unknown as Exports;
    // The SDK, too, parses what the module gives as JSON.
    const opa_json_dump = (value: number) => this.#assertJsonSize(exports.opa_json_dump(value));
    this.#exports = { ...exports, opa_json_dump };
    const instance = { exports: this.#exports } as unknown as WebAssembly.Instance;
    this.abi = abiOf(this.#exports);
    const numbered = this.#json(this.#exports.builtins()) as Record<string, number>;
    for (const [name, id] of Object.entries(numbered)) byId.set(id, name);
    this.builtins = Object.keys(numbered).sort();
    this.#policy = new LoadedPolicy({ instance, module }, this.#memory, this.abi.minor);
    this.entryPoints = new Map(Object.entries(this.#policy.entrypoints));
  }

  get memoryBytes(): number {
    return this.#memory.buffer.byteLength;
  }

  /** Replaces `data`; `json` is UTF-8, in a buffer of its own. */
  setData(json: ArrayBuffer): void {
    try {
      this.#policy.setData(json);
    } catch (cause) {
      throw typeof cause === "string" ? new Error(`data: ${cause}`) : cause; // the SDK throws strings
    }
  }

  /**
   * The JSON of `[{"result": VALUE}]`, or of `[]` when the entry point is undefined for this input
   * (UTF-8, a copy). Sets are lists in Rego's order.
   */
  evaluate(entryPoint: string, input: Uint8Array): Uint8Array<ArrayBuffer> {
    const number = this.entryPoints.get(entryPoint);
    if (number === undefined) {
      const known = [...this.entryPoints.keys()].sort().join(", ");
      throw new Error(`the module has no such entry point; it has ${known}`);
    }
    const { dataAddr: data, dataHeapPtr: inputAt } = this.#policy;
    const missing = inputAt + input.byteLength - this.memoryBytes;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / pageBytes));
    new Uint8Array(this.#memory.buffer).set(input, inputAt);
    const heap = inputAt + input.byteLength;
    const text = 1; // of values, as JSON would lose the sets
    const address = namingRule(() =>
      this.#exports.opa_eval(0, number, data, inputAt, input.byteLength, heap, text),
    );
    const result = this.#bytes(address).slice();
    const { maximumResultBytes } = this.#limits;
    if (result.byteLength > maximumResultBytes) {
      const what = `gives ${result.byteLength} bytes of result, more than ${maximumResultBytes}`;
      throw new Error(`${what}; make it give less`);
    }
    const written = decoder.decode(result);
    const lossy = lossyNumber(written);
    if (lossy !== undefined) {
      const at = lossy.path.replace(/^\[0\]\.result/, "") || "its result";
      const fix = "give it as text, by format_int or sprintf, or round it";
      throw new Error(
        `gives the number ${lossy.number.slice(0, 64)} in ${at}, which loses digits; ${fix}`,
      );
    }
    return isJson(written) ? result : encoder.encode(plainJson(parseValue(written)));
  }

  #callBuiltin(
    name: string,
    supplied: Readonly<Record<string, Builtin>>,
    args: readonly number[],
  ): number {
    const builtin = supplied[name];
    if (builtin === undefined) throw new Error(`calls ${name}, which the host does not supply`);
    const values = args.map((arg) => {
      const text = this.#bytes(this.#exports.opa_value_dump(arg));
      assertSize(name, "an operand", text.byteLength);
      return parseValue(decoder.decode(text));
    });
    const result = resultOf(name, builtin, values);
    if (result === undefined) return 0;
    assertSize(name, "a result", sizeOf(result));
    const text = encoder.encode(formatValue(result));
    const address = this.#write(text);
    return this.#exports.opa_value_parse(address, text.byteLength);
  }

  #write(bytes: Uint8Array): number {
    const address = this.#exports.opa_malloc(bytes.byteLength);
    new Uint8Array(this.#memory.buffer).set(bytes, address);
    return address;
  }

  #json(value: number): unknown {
    return JSON.parse(this.#text(this.#exports.opa_json_dump(value)));
  }

  /** The address of a text that the module gives as JSON, which names builtins or entry points. */
  #assertJsonSize(address: number): number {
    const { byteLength } = this.#bytes(address);
    if (byteLength <= maximumNamesBytes) return address;
    const what = "names its builtins or entry points";
    throw new Error(`${what} in ${byteLength} bytes, more than ${maximumNamesBytes}`);
  }

  #text(address: number): string {
    return decoder.decode(this.#bytes(address));
  }

  /** What ends in a NUL; valid until the module runs again. */
  #bytes(address: number): Uint8Array<ArrayBuffer> {
    const memory = new Uint8Array(this.#memory.buffer);
    return memory.subarray(address, memory.indexOf(0, address));
  }
}

/** What OPA's C library ends an evaluation with, and what to do. */
function explained(message: string): string {
  return message
    .replace(
      /var assignment conflict$/,
      "rules of one name give different values ($&); let one of them hold at a time",
    )
    .replace(
      /object insert conflict$/,
      "a key gets different values ($&); let one of them hold at a time",
    );
}

/** The builtin's value; undefined where Rego's call is. Throws when the builtin has a bug or a limit. */
function resultOf(
  name: string,
  builtin: Builtin,
  operands: readonly RegoValue[],
): RegoValue | undefined {
  try {
    return builtin(...operands);
  } catch (cause) {
    if (cause instanceof BuiltinError) return undefined;
    throw new Error(`${name}: ${(cause as Error).message}`, { cause });
  }
}

function assertSize(builtin: string, what: string, bytes: number): void {
  if (bytes <= maximumOperandBytes) return;
  throw new Error(`${builtin}: has ${what} of ${bytes} bytes, more than ${maximumOperandBytes}`);
}

/** About as many bytes as the value's text has. */
function sizeOf(value: RegoValue): number {
  if (typeof value === "string") return value.length;
  if (value instanceof RegoSet) return sizeOf(value.items);
  if (value instanceof RegoObject) {
    return value.entries.reduce((sum, [key, one]) => sum + sizeOf(key) + sizeOf(one), 2);
  }
  if (!Array.isArray(value)) return 8;
  return (value as readonly RegoValue[]).reduce<number>((sum, one) => sum + sizeOf(one), 2);
}

function abiOf(exports: Exports): Abi {
  const version = exports.opa_wasm_abi_version?.value;
  const minor = exports.opa_wasm_abi_minor_version?.value;
  if (version === undefined || minor === undefined) {
    throw new Error("is no module of opa build: it has no ABI version");
  }
  if (version !== 1 || minor < 2) {
    throw new Error(`has ABI ${version}.${minor}; 1.2 and later 1.x are supported`);
  }
  return { version, minor };
}
