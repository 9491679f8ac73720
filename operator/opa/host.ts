import { Worker } from "node:worker_threads";
import { type Clock, systemClock, withDeadline } from "@guardbee/kube";
import type { Logger } from "pino";
import type { WorkerMessage, WorkerStart } from "./messages.ts";

/** What to evaluate, for whom. */
export type Evaluation = {
  /** As named when the module was built: `guardbee/translate/result`. */
  readonly entryPoint: string;
  readonly input: unknown;
  /** The policy object that it is for; errors name it. */
  readonly subject: string;
};

export type WasmHostOptions = {
  /** A module built by `opa build -t wasm`. */
  readonly module: Uint8Array<ArrayBuffer>;
  /** What Rego sees as `data`, beside its rules; default nothing. */
  readonly data?: unknown;
  readonly log: Logger;
  readonly clock?: Clock;
  /** For one evaluation; default 2 s. The worker is terminated when it takes longer. */
  readonly deadlineMs?: number;
  /** For a worker to start and compile; default 30 s. */
  readonly startMs?: number;
  /** Memory at the start, in pages of 64 KiB; default 256 (16 MiB). */
  readonly initialPages?: number;
  /** Memory at most; default 4096 (256 MiB). More ends the evaluation with an error. */
  readonly maximumPages?: number;
};

/** An evaluation that gave no result. `reason` says whether trying again may help. */
export class EvaluationError extends Error {
  override readonly name = "EvaluationError";
  readonly code = "evaluation";
  readonly reason: "deadline" | "failed" | "crashed";

  constructor(of: Evaluation, reason: EvaluationError["reason"], what: string) {
    super(`${of.subject}: rego ${of.entryPoint}: ${what}`);
    this.reason = reason;
  }
}

/** A worker thread and what it is doing. */
type Running = {
  readonly worker: Worker;
  readonly ready: Promise<void>;
  /** Settles the evaluation under way. Written by #evaluateOn only. */
  waiting: {
    readonly id: number;
    readonly settle: (message: WorkerMessage | Error) => void;
  } | null;
};

/**
 * Evaluates one compiled Rego module in a worker thread, one evaluation at a time, in the order
 * asked for. Rego cannot be interrupted, so one that overruns costs its worker, and the next
 * evaluation gets a new one. Callers wait in line: bound their number.
 */
export class WasmHost {
  readonly #options: WasmHostOptions;
  readonly #clock: Clock;
  /** Written by #worker and #discard. */
  #running: Running | undefined;
  /** The end of the line. Written by evaluate only. */
  #last: Promise<unknown> = Promise.resolve();
  #nextId = 1;

  constructor(options: WasmHostOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** The value of the entry point; throws EvaluationError, also when it is undefined. */
  evaluate(evaluation: Evaluation, signal: AbortSignal): Promise<unknown> {
    const turn = this.#last.then(() => this.#evaluateOnce(evaluation, signal));
    this.#last = turn.catch(() => {}); // the caller has it; the line goes on
    return turn;
  }

  /** Ends the worker. An evaluation under way fails. */
  async close(): Promise<void> {
    await this.#discard();
  }

  async #evaluateOnce(evaluation: Evaluation, signal: AbortSignal): Promise<unknown> {
    signal.throwIfAborted();
    const { deadlineMs = 2_000, startMs = 30_000 } = this.#options;
    const running = this.#worker();
    const started = () => new EvaluationError(evaluation, "crashed", "the worker did not start");
    const overrun = () =>
      new EvaluationError(evaluation, "deadline", `took over ${deadlineMs} ms; make it do less`);
    try {
      await withDeadline(this.#clock, { ms: startMs, error: started }, signal, (limited) =>
        orAborted(running.ready, limited),
      );
      return await withDeadline(
        this.#clock,
        { ms: deadlineMs, error: overrun },
        signal,
        (limited) => orAborted(this.#evaluateOn(running, evaluation), limited),
      );
    } catch (error) {
      const harmless = error instanceof EvaluationError && error.reason === "failed";
      if (!harmless) await this.#discard();
      throw error;
    }
  }

  #evaluateOn(running: Running, evaluation: Evaluation): Promise<unknown> {
    const { entryPoint, input } = evaluation;
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const settle = (message: WorkerMessage | Error) => {
        running.waiting = null;
        if (message instanceof Error) {
          reject(new EvaluationError(evaluation, "crashed", message.message));
        } else if (message.kind === "error") {
          reject(new EvaluationError(evaluation, "failed", message.message));
        } else if (message.kind === "result" && message.value !== undefined) {
          resolve(message.value);
        } else {
          reject(new EvaluationError(evaluation, "failed", "is undefined for this input"));
        }
      };
      running.waiting = { id, settle };
      running.worker.postMessage({ id, entryPoint, input });
    });
  }

  #worker(): Running {
    if (this.#running !== undefined) return this.#running;
    const { module, data = {}, initialPages = 256, maximumPages = 4096 } = this.#options;
    const start: WorkerStart = { module, data, initialPages, maximumPages };
    const worker = new Worker(new URL("./worker.ts", import.meta.url), {
      workerData: start,
      execArgv: [], // what the main program was started with is not for it
      resourceLimits: { maxOldGenerationSizeMb: 256 },
    });
    const ready = Promise.withResolvers<void>();
    ready.promise.catch(() => {}); // whoever waits for it gets it; a discarded worker has nobody
    const running: Running = { worker, ready: ready.promise, waiting: null };
    worker.on("message", (message: WorkerMessage) => {
      if (message.kind === "ready") ready.resolve();
      else if (running.waiting?.id === message.id) running.waiting.settle(message);
    });
    worker.on("error", (error: Error) => {
      this.#options.log.warn({ err: error }, "rego worker ended");
      ready.reject(error);
      running.waiting?.settle(error);
    });
    worker.on("exit", () => {
      ready.reject(new Error("the worker ended"));
      running.waiting?.settle(new Error("the worker ended"));
      if (this.#running === running) this.#running = undefined;
    });
    worker.unref();
    this.#running = running;
    return running;
  }

  async #discard(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.worker.terminate();
  }
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
