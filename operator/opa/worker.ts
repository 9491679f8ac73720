import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { parentPort, workerData } from "node:worker_threads";
import { builtins } from "./builtins/index.ts";
import { Instance, pageBytes } from "./instance.ts";
import type { WorkerAnswer, WorkerMessage, WorkerRequest, WorkerStart } from "./messages.ts";

/** A value takes about this many times its JSON; measured with inventories (bench/rego). */
const bytesPerJsonByte = 8;
/** What an evaluation may leave an instance grown by; memory never shrinks. */
const keptGrowthBytes = 16 * 1024 * 1024;

const start = workerData as WorkerStart;
let data: Uint8Array<ArrayBuffer> | undefined;
/** Written by load and forget. */
let current: { readonly instance: Instance; readonly bytes: number } | undefined;

try {
  const module = new WebAssembly.Module(start.module);
  const { abi, entryPoints, builtins } = load(module);
  post({ kind: "ready", facts: { abi, entryPoints: [...entryPoints.keys()].sort(), builtins } });
  parentPort?.on("message", (request: WorkerRequest) => answer(module, request));
} catch (error) {
  post({ kind: "unusable", message: textOf(error) });
}

function answer(module: WebAssembly.Module, request: WorkerRequest): void {
  const { id } = request;
  try {
    if (request.kind === "data") {
      data = request.json;
      current = undefined; // the memory of the last is sized for the last
      const { memoryBytes } = load(module);
      post({ kind: "done", id, memoryBytes });
      return;
    }
    const instance = load(module);
    const json = instance.evaluate(request.entryPoint, request.json);
    const { memoryBytes } = instance;
    post({ kind: "result", id, json, memoryBytes }, [json.buffer]);
    if (memoryBytes > (current?.bytes ?? 0) + keptGrowthBytes) forget();
  } catch (error) {
    current = undefined; // a trapped instance is in no known state
    post({ kind: "error", id, message: textOf(error) });
  }
}

/** Drops the instance in use and gives its memory back; to an idle heap V8 would not come by itself. */
function forget(): void {
  current = undefined;
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}

/** The instance in use, or a new one with the present data. */
function load(module: WebAssembly.Module): Instance {
  if (current !== undefined) return current.instance;
  const dataPages = Math.ceil(((data?.byteLength ?? 0) * bytesPerJsonByte) / pageBytes);
  const { maximumPages } = start;
  const initialPages = Math.min(start.initialPages + dataPages, maximumPages);
  const limits = { ...start, initialPages };
  const instance = new Instance(module, limits, builtins);
  if (data !== undefined) instance.setData(data.buffer);
  current = { instance, bytes: instance.memoryBytes };
  return instance;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function post(answer: WorkerAnswer, transfer: readonly ArrayBuffer[] = []): void {
  const { user, system } = process.threadCpuUsage();
  const message: WorkerMessage = { ...answer, cpuMs: (user + system) / 1000 };
  parentPort?.postMessage(message, transfer);
}
