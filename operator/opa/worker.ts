import { parentPort, workerData } from "node:worker_threads";
import { type LoadedPolicy, loadPolicy } from "@open-policy-agent/opa-wasm";
import type { EvaluateRequest, WorkerMessage, WorkerStart } from "./messages.ts";

const start = workerData as WorkerStart;
const initialBytes = start.initialPages * 64 * 1024;
/** Replaced before a result is posted, so that the next request never meets a spoilt instance. */
let policy = load();
warmUp(await policy);
post({ kind: "ready" });

parentPort?.on("message", async (request: EvaluateRequest) => {
  const { id } = request;
  try {
    const loaded = await policy;
    const results = loaded.evaluate(request.input, request.entryPoint) as { result: unknown }[];
    if (loaded.mem.buffer.byteLength > initialBytes) policy = load(); // memory never shrinks
    // An undefined decision is an empty result set.
    post({ kind: "result", id, value: results[0]?.result });
  } catch (error) {
    policy = load(); // a trapped instance is in no known state
    post({ kind: "error", id, message: textOf(error) });
  }
});

/** V8 compiles WebAssembly when it first runs; that is no part of anybody's deadline. */
function warmUp(loaded: LoadedPolicy): void {
  try {
    loaded.evaluate({});
  } catch {
    // a module may dislike an empty input; what matters will be said for a real one
  }
}

async function load(): Promise<LoadedPolicy> {
  const { module, data, initialPages, maximumPages } = start;
  const loaded = await loadPolicy(module, { initial: initialPages, maximum: maximumPages });
  loaded.setData(data as object);
  return loaded;
}

/** The SDK throws strings, and objects that are no Error. */
function textOf(error: unknown): string {
  if (typeof error === "string") return error;
  return String((error as { message?: unknown } | null)?.message ?? error);
}

function post(message: WorkerMessage): void {
  parentPort?.postMessage(message);
}
