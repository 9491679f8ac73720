import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { builtins } from "./builtins/index.ts";
import { Instance, type MemoryLimits, pageBytes } from "./instance.ts";
import { mendModule } from "./mended-module.ts";
import type { ModuleFacts } from "./messages.ts";

/** A value takes about this many times its JSON; measured with inventories (bench/rego). */
const bytesPerJsonByte = 8;
/** What an evaluation may leave an instance grown by; memory never shrinks. */
const keptGrowthBytes = 16 * 1024 * 1024;

/** A module and its data, evaluated where this runs: in a worker thread, or in a child process. */
export class Evaluator {
  readonly #module: WebAssembly.Module;
  /** Whether functions that differ from opa's were found, and replaced. */
  readonly #mended: boolean;
  readonly #limits: MemoryLimits;
  /** Written by setData. */
  #data: Uint8Array<ArrayBuffer> | undefined;
  /** Written by #load, setData, evaluate and #forget. */
  #current: { readonly instance: Instance; readonly bytes: number } | undefined;

  /** Throws when the module is none of OPA's, or of another ABI. */
  constructor(bytes: Uint8Array<ArrayBuffer>, limits: MemoryLimits) {
    const mended = mendModule(bytes);
    this.#mended = mended !== undefined;
    this.#module = new WebAssembly.Module(mended ?? bytes);
    this.#limits = limits;
  }

  /** Throws as the constructor does. */
  facts(): ModuleFacts {
    const { abi, entryPoints, builtins } = this.#load();
    if (!this.#mended) throw new Error("has no names of functions; do not strip it");
    return { abi, entryPoints: [...entryPoints.keys()].sort(), builtins };
  }

  /** Of the instance in use. */
  get memoryBytes(): number {
    return this.#current?.instance.memoryBytes ?? 0;
  }

  /** Replaces `data`, UTF-8 in a buffer of its own, and loads it; gives the bytes that it came to. */
  setData(json: Uint8Array<ArrayBuffer>): number {
    this.#data = json;
    this.#current = undefined; // the memory of the last is sized for the last
    return this.#load().memoryBytes;
  }

  /** See Instance.evaluate. Memory that an evaluation needed beyond the usual is given back. */
  evaluate(
    entryPoint: string,
    input: Uint8Array,
  ): { readonly json: Uint8Array<ArrayBuffer>; readonly memoryBytes: number } {
    try {
      const instance = this.#load();
      const json = instance.evaluate(entryPoint, input);
      const { memoryBytes } = instance;
      if (memoryBytes > (this.#current?.bytes ?? 0) + keptGrowthBytes) this.#forget();
      return { json, memoryBytes };
    } catch (error) {
      this.#current = undefined; // a trapped instance is in no known state
      throw error;
    }
  }

  #forget(): void {
    this.#current = undefined;
    collectGarbage();
  }

  /** The instance in use, or a new one with the present data. */
  #load(): Instance {
    if (this.#current !== undefined) return this.#current.instance;
    const dataPages = Math.ceil(((this.#data?.byteLength ?? 0) * bytesPerJsonByte) / pageBytes);
    const { maximumPages } = this.#limits;
    const initialPages = Math.min(this.#limits.initialPages + dataPages, maximumPages);
    const limits = { ...this.#limits, initialPages };
    const instance = new Instance(this.#module, limits, builtins);
    if (this.#data !== undefined) instance.setData(this.#data.buffer);
    this.#current = { instance, bytes: instance.memoryBytes };
    return instance;
  }
}

/** Gives back the memory of instances that were dropped; to an idle heap V8 would not come by itself. */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}
