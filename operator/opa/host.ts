import { type Clock, orAborted, systemClock, withDeadline } from "@guardbee/kube";
import type { Logger } from "pino";
import { type Answer, WorkerThread } from "./worker-thread.ts";

/** What to evaluate, for whom. */
export type Evaluation = {
  /** As named when the module was built: `guardbee/guardrails/decisions`. */
  readonly entryPoint: string;
  /** Undefined: there is no input, as `opa eval` has none; null is a value as any. */
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
  /**
   * For one evaluation, of its thread's processor time; default 2 s. The worker is terminated when
   * it takes longer, or five times as long by the clock.
   */
  readonly deadlineMs?: number;
  /** For a worker to start, compile and load its data; default 30 s. */
  readonly startMs?: number;
  /** Memory at the start, in pages of 64 KiB, beside what data needs; default 256 (16 MiB). */
  readonly initialPages?: number;
  /** Memory at most; default 4096 (256 MiB). More ends the evaluation with an error. */
  readonly maximumPages?: number;
  /** The largest result, as Rego's text, about its JSON; default 8 MiB. */
  readonly maximumResultBytes?: number;
};

/** In bytes. `externalBytes` has the module's memory in it. */
export type HostMemory = {
  readonly moduleBytes: number;
  readonly heapBytes: number;
  readonly externalBytes: number;
};

/**
 * An evaluation that gave no result. `deadline`: it took too long, `memory`: too much. `starved`: it
 * was kept from the processor for too long. `crashed`: the worker or process ended, or never
 * started. `failed`: the module said so, or is undefined for this input; trying again gives the
 * same. `broken`: it was not tried, after it had overrun several times.
 */
export class EvaluationError extends Error {
  override readonly name = "EvaluationError";
  readonly code = "evaluation";
  readonly reason: "deadline" | "memory" | "starved" | "failed" | "crashed" | "broken";
  /** The message without policy and entry point. */
  readonly what: string;

  constructor(of: Evaluation, reason: EvaluationError["reason"], what: string) {
    super(`${of.subject}: rego ${of.entryPoint}: ${what}`);
    this.reason = reason;
    this.what = what;
  }

  /** Whether the entry point has no value, and nothing went wrong. */
  get isUndefined(): boolean {
    return this.what === undefinedResult;
  }
}

/**
 * Evaluates one compiled Rego module in a worker thread, one evaluation at a time, in the order
 * asked for. Rego cannot be interrupted, so one that overruns costs its worker, and the next
 * evaluation gets a new one. Callers wait in line: bound their number.
 */
export class WasmHost {
  readonly #options: WasmHostOptions;
  readonly #clock: Clock;
  /** Written by #worker and #discard; whether the worker has its data, by #load. */
  #running: { readonly thread: WorkerThread; hasData: boolean } | undefined;
  /** The end of the line. Written by evaluate only. */
  #last: Promise<unknown> = Promise.resolve();
  /** Of the worker's module after its last answer. */
  #memoryBytes = 0;

  constructor(options: WasmHostOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** What the worker holds: its module after the last evaluation, its own heap, and what is outside. */
  async memory(): Promise<HostMemory> {
    const heap = await this.#running?.thread.heap();
    return { moduleBytes: this.#memoryBytes, heapBytes: 0, externalBytes: 0, ...heap };
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

  async #evaluateOnce(of: Evaluation, signal: AbortSignal): Promise<unknown> {
    signal.throwIfAborted();
    const { startMs = 30_000 } = this.#options;
    const unstarted = () => {
      const what = `starting the worker and loading its data took over ${startMs} ms`;
      return new EvaluationError(of, "crashed", what);
    };
    try {
      const start = { ms: startMs, error: unstarted };
      const thread = await withDeadline(this.#clock, start, signal, (limited) =>
        orAborted(this.#load(), limited),
      );
      const answer = await this.#answerTo(of, thread, signal);
      return this.#valueOf(of, answer);
    } catch (error) {
      const harmless = error instanceof EvaluationError && error.reason === "failed";
      if (!harmless) await this.#discard();
      if (error instanceof EvaluationError || signal.aborted) throw error;
      throw new EvaluationError(of, "crashed", (error as Error).message);
    }
  }

  /** Rejects when the thread has used up the deadline, or has been kept from using it for long. */
  async #answerTo(of: Evaluation, thread: WorkerThread, signal: AbortSignal): Promise<Answer> {
    const { deadlineMs = 2_000 } = this.#options;
    const clockMs = deadlineMs * clockFactor;
    const overrun = (what: string) => new EvaluationError(of, "deadline", what);
    const starved = () =>
      overrun(`took over ${clockMs} ms, not all of it its own; give the operator more CPU`);
    const ended = new AbortController();
    const limit = { ms: clockMs, error: starved };
    const json = of.input === undefined ? new Uint8Array() : encode(of.input);
    return withDeadline(this.#clock, limit, signal, async (limited) => {
      const { entryPoint } = of;
      const asked = thread.ask({ kind: "evaluate", entryPoint, json });
      const spent = this.#whenSpent(thread, AbortSignal.any([limited, ended.signal])).then(() => {
        throw overrun(`took over ${deadlineMs} ms; make it do less`);
      });
      return Promise.race([orAborted(asked, limited), spent]);
    }).finally(() => ended.abort());
  }

  /** Resolves when `thread` has used up the deadline since its last answer. */
  async #whenSpent(thread: WorkerThread, signal: AbortSignal): Promise<void> {
    const { deadlineMs = 2_000 } = this.#options;
    for (let leftMs = deadlineMs; leftMs > 0; ) {
      await this.#clock.sleep(leftMs, signal);
      leftMs = deadlineMs - (await orAborted(thread.spentMs(), signal));
    }
  }

  /** A worker that holds its data. */
  async #load(): Promise<WorkerThread> {
    const { data } = this.#options;
    const running = this.#worker();
    await running.thread.ready;
    if (data !== undefined && !running.hasData) {
      const answer = await running.thread.ask({ kind: "data", json: encode(data) });
      if (answer.kind === "error") throw new Error(`loading data: ${answer.message}`);
      running.hasData = true;
    }
    return running.thread;
  }

  #valueOf(of: Evaluation, answer: Answer): unknown {
    if (answer.kind === "error") throw new EvaluationError(of, "failed", answer.message);
    this.#memoryBytes = answer.memoryBytes;
    if (answer.kind === "done") throw new TypeError("the worker answered another question");
    // An undefined decision is an empty result set.
    const results = JSON.parse(decoder.decode(answer.json)) as { readonly result: unknown }[];
    if (results.length > 0) return results[0]!.result;
    throw new EvaluationError(of, "failed", undefinedResult);
  }

  #worker(): { readonly thread: WorkerThread; hasData: boolean } {
    if (this.#running !== undefined && !this.#running.thread.ended) return this.#running;
    const { module, initialPages = 256, maximumPages = 4096, log } = this.#options;
    const { maximumResultBytes = 8 * 1024 * 1024 } = this.#options;
    const start = { module, initialPages, maximumPages, maximumResultBytes };
    const thread = new WorkerThread(start, (error) =>
      log.warn({ err: error }, "rego worker ended"),
    );
    this.#running = { thread, hasData: false };
    return this.#running;
  }

  async #discard(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    const ended = (await running?.thread.terminate(this.#clock)) ?? true;
    if (!ended) this.#options.log.error("rego worker does not end; restart the operator");
  }
}

/** Of an EvaluationError, where the entry point has no value. */
export const undefinedResult = "is undefined for this input";

/** An operator that others keep from its processor must not say that a policy does too much. */
const clockFactor = 5;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** UTF-8 JSON in a buffer of its own, to be moved to the worker. */
function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return encoder.encode(JSON.stringify(value ?? null));
}
