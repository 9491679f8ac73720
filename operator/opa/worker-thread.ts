import { Worker } from "node:worker_threads";
import type { Clock } from "@guardbee/kube";
import { endWorker } from "../end-worker.ts";
import type { ModuleFacts, WorkerMessage, WorkerRequest, WorkerStart } from "./messages.ts";

/** What the worker answered a request with. */
export type Answer = Exclude<WorkerMessage, { readonly kind: "ready" | "unusable" }>;

/** A request less its number. */
type Request = WorkerRequest extends infer R ? (R extends unknown ? Omit<R, "id"> : never) : never;

/** One thread that runs `worker.ts`, one request at a time. Ends with terminate() or by itself. */
export class WorkerThread {
  /** What the module says of itself; rejects when the worker or the module is of no use. */
  readonly ready: Promise<ModuleFacts>;
  /** True from the end of the thread on. Written by its exit. */
  ended = false;
  readonly #worker: Worker;
  /** Written by ask and #settle. */
  #waiting: { readonly id: number; readonly settle: (answer: Answer | Error) => void } | null =
    null;
  #nextId = 1;
  /** Of processor time, as of its last message. Written by its messages. */
  #cpuMs = 0;

  constructor(start: WorkerStart, onError: (error: Error) => void) {
    this.#worker = new Worker(new URL(import.meta.resolve("#opa-worker")), {
      workerData: start,
      execArgv: [], // what the main program was started with is not for it
      // Left to itself V8 lets the young generation of each worker grow by 100 MB.
      resourceLimits: { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 2 },
    });
    const ready = Promise.withResolvers<ModuleFacts>();
    ready.promise.catch(() => {}); // whoever waits for it gets it; a discarded worker has nobody
    this.ready = ready.promise;
    this.#worker.on("message", (message: WorkerMessage) => {
      this.#cpuMs = message.cpuMs;
      if (message.kind === "ready") ready.resolve(message.facts);
      else if (message.kind === "unusable") ready.reject(new Error(message.message));
      else if (this.#waiting?.id === message.id) this.#settle(message);
    });
    this.#worker.on("error", (error: Error) => {
      onError(error);
      ready.reject(error);
      this.#settle(error);
    });
    this.#worker.on("exit", () => {
      this.ended = true;
      const error = new Error("the worker ended");
      ready.reject(error);
      this.#settle(error);
    });
    this.#worker.unref();
  }

  /** The worker's answer to one request; rejects when it ends instead. */
  ask(request: Request): Promise<Answer> {
    if (this.ended) return Promise.reject(new Error("the worker ended"));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const settle = (answer: Answer | Error) =>
        answer instanceof Error ? reject(answer) : resolve(answer);
      this.#waiting = { id, settle };
      this.#worker.postMessage({ ...request, id }, [request.json.buffer]);
    });
  }

  /** Milliseconds of processor time since its last answer. Rejects once it has ended. */
  async spentMs(): Promise<number> {
    const { user, system } = await this.#worker.cpuUsage();
    return (user + system) / 1000 - this.#cpuMs;
  }

  /** What the thread's JavaScript holds; undefined once it has ended. */
  async heap(): Promise<
    { readonly heapBytes: number; readonly externalBytes: number } | undefined
  > {
    this.#worker.ref(); // a worker that nobody waits for would not answer
    try {
      const statistics = await this.#worker.getHeapStatistics();
      return { heapBytes: statistics.total_heap_size, externalBytes: statistics.external_memory };
    } catch {
      return undefined;
    } finally {
      this.#worker.unref();
    }
  }

  /** See endWorker. */
  terminate(clock: Clock): Promise<boolean> {
    return endWorker(this.#worker, clock);
  }

  #settle(answer: Answer | Error): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.settle(answer);
  }
}
