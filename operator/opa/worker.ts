import { parentPort, workerData } from "node:worker_threads";
import { Evaluator } from "./evaluator.ts";
import type { WorkerAnswer, WorkerMessage, WorkerRequest, WorkerStart } from "./messages.ts";

const start = workerData as WorkerStart;

try {
  const evaluator = new Evaluator(start.module, start);
  post({ kind: "ready", facts: evaluator.facts() });
  parentPort?.on("message", (request: WorkerRequest) => answer(evaluator, request));
} catch (error) {
  post({ kind: "unusable", message: textOf(error) });
}

function answer(evaluator: Evaluator, request: WorkerRequest): void {
  const { id } = request;
  try {
    if (request.kind === "data") {
      post({ kind: "done", id, memoryBytes: evaluator.setData(request.json) });
      return;
    }
    const result = evaluator.evaluate(request.entryPoint, request.json);
    post({ kind: "result", id, ...result }, [result.json.buffer]);
  } catch (error) {
    post({ kind: "error", id, message: textOf(error) });
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function post(answer: WorkerAnswer, transfer: readonly ArrayBuffer[] = []): void {
  const { user, system } = process.threadCpuUsage();
  const message: WorkerMessage = { ...answer, cpuMs: (user + system) / 1000 };
  parentPort?.postMessage(message, transfer);
}
