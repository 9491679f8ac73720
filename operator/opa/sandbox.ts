import {
  type Clock,
  FairSlots,
  orAborted,
  systemClock,
  type TurnOwner,
  withDeadline,
} from "@guardbee/kube";
import type { Logger } from "pino";
import { type Evaluation, EvaluationError, undefinedResult } from "./host.ts";
import type { ChildAnswer, ChildRequest, ModuleFacts } from "./messages.ts";
import { RegoProcess } from "./rego-process.ts";
import { type Overrun, type RequestLimits, within } from "./request-limits.ts";

export type SandboxOptions = {
  readonly log: Logger;
  readonly clock?: Clock;
  /** At once, and evaluations at once; default 1. Without work there is none. */
  readonly processes?: number;
  /** Of those, how many are kept from evaluations for namespaces; default 0. */
  readonly reserved?: number;
  /** The most that a module may be given; default 1024. */
  readonly memoryMiB?: number;
  /** After which an unused process is ended; default 60 s. */
  readonly idleMs?: number;
  /** Told of each evaluation, but of those that were aborted. */
  readonly onEvaluated?: (outcome: EvaluationOutcome) => void;
};

/** What an evaluation came to. */
export type EvaluationOutcome = "value" | EvaluationError["reason"];

/** A module, its data and its limits. Identity counts: a process keeps what it has loaded. */
export type SandboxUnit = {
  readonly module: Uint8Array<ArrayBuffer>;
  readonly data?: unknown;
  /** Of one evaluation, in processor time; five times as long and 5 s more by the clock. */
  readonly deadlineMs: number;
  /** Of the module; what the evaluation takes beside it is bounded too. */
  readonly memoryMiB: number;
};

export type Evaluated = {
  readonly value: unknown;
  /** By the clock, without the wait for its turn. */
  readonly tookMs: number;
};

type Slot = { readonly process: RegoProcess; readonly release: () => void };

/** Of a process beside the module that it evaluates: Node, JavaScript values, kept modules. */
const overheadMiB = 256;
/** That Node may write and hardly uses: 512 MiB are V8's for code, the rest are stacks. */
const unusedMiB = 640;
/** After that much a process that is idle is ended; the kernel's limit leaves room for one more evaluation. */
const cpuSeconds = { kept: 300, most: 600 } as const;
const maximumResultBytes = 8 * 1024 * 1024;

/**
 * Evaluates Rego that is not ours in child processes, one evaluation in each at a time. Time and memory
 * of an evaluation are bounded from outside: what overruns is killed, whatever it does, and costs
 * its process and what that had loaded, no other evaluation. Processes start when there is work,
 * and end when there is none.
 */
export class Sandbox {
  readonly #options: SandboxOptions;
  readonly #clock: Clock;
  readonly #slots: FairSlots;
  /** That no evaluation uses, with the time since. Written by #enter and #leave. */
  readonly #idle = new Map<RegoProcess, number>();
  /** All that run. Written by #enter and #discard. */
  readonly #processes = new Set<RegoProcess>();
  /** What a process has loaded, and may have dropped. Keeps no unit that nobody else has. Written by #load. */
  readonly #loaded = new WeakMap<RegoProcess, WeakSet<SandboxUnit>>();
  readonly #numbers = new WeakMap<SandboxUnit, number>();
  #nextNumber = 1;
  /** Written by #retire. */
  #retiring = false;
  readonly #closed = new AbortController();

  constructor(options: SandboxOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const { processes: size = 1, reserved = 0 } = options;
    const perNamespace = Math.max(1, Math.floor(size / 2));
    this.#slots = new FairSlots({ size, reserved, perNamespace });
  }

  /** Processes that run now. */
  get processCount(): number {
    return this.#processes.size;
  }

  /** Their resident memory, but for what they map from files. */
  get memoryBytes(): number {
    return [...this.#processes].reduce((sum, one) => sum + (one.usage()?.memoryBytes ?? 0), 0);
  }

  /**
   * The value of the entry point for `owner`: the namespace of the policy that it is for, or
   * undefined for the cluster's own. Throws EvaluationError, also when the value is undefined.
   */
  async evaluate(
    unit: SandboxUnit,
    of: Evaluation,
    owner: TurnOwner,
    signal: AbortSignal,
  ): Promise<Evaluated> {
    const { deadlineMs: cpuMs, memoryMiB } = unit;
    const json = encode(of.input);
    return this.#using(unit, of, owner, signal, async (process) => {
      const startMs = this.#clock.monotonic();
      const number = this.#numberOf(unit);
      const request = { kind: "evaluate", unit: number, entryPoint: of.entryPoint, json } as const;
      const ask = () => this.#ask(process, request, { cpuMs, memoryMiB }, of, signal);
      let answer = await ask();
      if (answer.kind === "lacks") {
        await this.#load(process, unit, of, signal);
        answer = await ask();
      }
      const value = resultIn(answer, of);
      this.#options.onEvaluated?.("value");
      return { value, tookMs: this.#clock.monotonic() - startMs };
    });
  }

  /** What the module says of itself when it is loaded. Throws EvaluationError. */
  inspect(unit: SandboxUnit, subject: string, signal: AbortSignal): Promise<ModuleFacts> {
    const of: Evaluation = { entryPoint: "policy.wasm", input: undefined, subject };
    return this.#using(unit, of, undefined, signal, (process) =>
      this.#load(process, unit, of, signal),
    );
  }

  /** Ends every process. What is under way fails. */
  close(): void {
    this.#closed.abort(new Error("the sandbox is closed"));
    for (const process of this.#processes) this.#discard(process);
  }

  /** Runs `work` in a process that nobody else uses meanwhile. */
  async #using<T>(
    unit: SandboxUnit,
    of: Evaluation,
    owner: TurnOwner,
    signal: AbortSignal,
    work: (process: RegoProcess) => Promise<T>,
  ): Promise<T> {
    const slot = await this.#enter(unit, owner, AbortSignal.any([signal, this.#closed.signal]));
    try {
      await this.#start(slot.process, of, signal);
      return await work(slot.process);
    } catch (error) {
      const harmless = error instanceof EvaluationError && error.reason === "failed";
      if (!harmless) this.#discard(slot.process);
      if (signal.aborted) throw error;
      const known = error instanceof EvaluationError;
      const told = known ? error : new EvaluationError(of, "crashed", (error as Error).message);
      this.#options.onEvaluated?.(told.reason);
      if (!harmless) this.#options.log.warn({ err: told }, "rego process ended");
      throw told;
    } finally {
      this.#leave(slot);
    }
  }

  async #enter(unit: SandboxUnit, owner: TurnOwner, signal: AbortSignal): Promise<Slot> {
    const release = await this.#slots.acquire(owner, signal);
    const idle = [...this.#idle.keys()].filter(({ ended }) => !ended);
    const known = idle.find((one) => this.#loaded.get(one)?.has(unit));
    const { processes: size = 1 } = this.#options;
    const room = this.#processes.size < size;
    const process = known ?? (room ? undefined : idle[0]) ?? this.#add();
    this.#idle.delete(process);
    return { process, release };
  }

  #leave({ process, release }: Slot): void {
    const { cpuMs = 0 } = process.usage() ?? {};
    if (process.ended || cpuMs > cpuSeconds.kept * 1000) this.#discard(process);
    else {
      this.#idle.set(process, this.#clock.monotonic());
      this.#retire().catch(() => {}); // closed
    }
    release();
  }

  #add(): RegoProcess {
    const { memoryMiB = 1024 } = this.#options;
    const dataMiB = memoryMiB + overheadMiB + unusedMiB;
    const process = new RegoProcess({ dataMiB, cpuSeconds: cpuSeconds.most });
    this.#processes.add(process);
    return process;
  }

  #discard(process: RegoProcess): void {
    this.#processes.delete(process);
    this.#idle.delete(process);
    process.kill();
  }

  /** Ends processes that have been unused for long, as long as there are any. */
  async #retire(): Promise<void> {
    if (this.#retiring) return;
    this.#retiring = true;
    const { idleMs = 60_000 } = this.#options;
    try {
      while (this.#idle.size > 0) {
        const sinceMs = Math.min(...this.#idle.values());
        const leftMs = sinceMs + idleMs - this.#clock.monotonic();
        if (leftMs > 0) await this.#clock.sleep(leftMs, this.#closed.signal);
        for (const [process, since] of this.#idle) {
          if (process.ended || this.#clock.monotonic() - since >= idleMs) this.#discard(process);
        }
      }
    } finally {
      this.#retiring = false;
    }
  }

  async #start(process: RegoProcess, of: Evaluation, signal: AbortSignal): Promise<void> {
    const error = () => new EvaluationError(of, "starved", `no process started in ${startMs} ms`);
    await withDeadline(this.#clock, { ms: startMs, error }, signal, (limited) =>
      orAborted(process.started, limited),
    );
  }

  async #load(
    process: RegoProcess,
    unit: SandboxUnit,
    of: Evaluation,
    signal: AbortSignal,
  ): Promise<ModuleFacts> {
    const { module, data, memoryMiB } = unit;
    const maximumPages = memoryMiB * 16;
    const limits = { initialPages: Math.min(256, maximumPages), maximumPages, maximumResultBytes };
    const json = data === undefined ? undefined : encode(data);
    const request = {
      ...({ kind: "load", unit: this.#numberOf(unit), module, limits } as const),
      ...(json === undefined ? {} : { data: json }),
    };
    const cpuMs = loadMs + (json?.byteLength ?? 0) / dataBytesPerMs;
    const answer = await this.#ask(process, request, { cpuMs, memoryMiB }, of, signal);
    if (answer.kind === "error") throw new EvaluationError(of, "failed", answer.message);
    if (answer.kind !== "loaded") throw new TypeError("the process answered another question");
    const loaded = this.#loaded.get(process) ?? new WeakSet();
    this.#loaded.set(process, loaded.add(unit));
    return answer.facts;
  }

  async #ask(
    process: RegoProcess,
    request: ChildRequest,
    { cpuMs, memoryMiB }: { readonly cpuMs: number; readonly memoryMiB: number },
    of: Evaluation,
    signal: AbortSignal,
  ): Promise<ChildAnswer> {
    const limits: RequestLimits = {
      ...{ cpuMs, clockMs: cpuMs * clockFactor + graceMs },
      memoryBytes: (memoryMiB + overheadMiB) * 2 ** 20,
    };
    const asked = () => process.ask(request);
    const overrun = (by: Overrun) => new EvaluationError(of, ...overrunOf(by, request, limits));
    return within(process, limits, this.#clock, { asked, overrun }, signal);
  }

  #numberOf(unit: SandboxUnit): number {
    const known = this.#numbers.get(unit);
    if (known !== undefined) return known;
    this.#numbers.set(unit, this.#nextNumber);
    return this.#nextNumber++;
  }
}

/** For a process to take requests. */
const startMs = 30_000;
/** Of processor time, for a module to be compiled and set up. */
const loadMs = 2_000;
/** Of data that is loaded in a millisecond beside; a tenth of what this takes on a slow machine. */
const dataBytesPerMs = 1_000;
/** An operator that others keep from its processor must not say that a policy does too much. */
const clockFactor = 5;
const graceMs = 5_000;

function overrunOf(
  by: Overrun,
  { kind }: ChildRequest,
  { cpuMs, clockMs, memoryBytes }: RequestLimits,
): readonly [EvaluationError["reason"], string] {
  const took = kind === "load" ? "took to load" : "took";
  if (by === "cpu") return ["deadline", `${took} over ${cpuMs} ms; make it do less`];
  if (by === "memory") {
    const mib = memoryBytes / 2 ** 20;
    return ["memory", `takes over ${mib} MiB with its process; make it need less`];
  }
  const fix = "give the operator more CPU";
  return ["starved", `${took} over ${clockMs} ms, not all of it its own; ${fix}`];
}

function resultIn(answer: ChildAnswer, of: Evaluation): unknown {
  if (answer.kind === "error") throw new EvaluationError(of, "failed", answer.message);
  if (answer.kind !== "result") throw new TypeError("the process answered another question");
  // An undefined decision is an empty result set.
  const results = JSON.parse(decoder.decode(answer.json)) as { readonly result: unknown }[];
  if (results.length > 0) return results[0]!.result;
  throw new EvaluationError(of, "failed", undefinedResult);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return encoder.encode(JSON.stringify(value ?? null));
}
