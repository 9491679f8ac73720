import type { Clock } from "@guardbee/kube";
import type { Problem, RegoPolicySpec, Result } from "@guardbee/policy";
import type { Logger } from "pino";
import type { Compiled, RegoSource } from "../opa/compile.ts";
import { WasmHost } from "../opa/host.ts";
import { inspectModule, moduleProblems } from "../opa/inspect.ts";
import { shapeProblems } from "../opa/module-shape.ts";
import { stableJson } from "./results.ts";

/** Rego to run, from wherever it came. */
export type RegoContent = {
  /** `sha256:...` over Rego and data; of a bundle, what pins it. */
  readonly digest: string;
  /** Of all that is evaluated: the same only for the same. */
  readonly key: string;
  readonly revision?: string;
  readonly data: unknown;
  readonly sources: readonly RegoSource[];
  /** Compiled already, in place of `sources`; checked before it is used. */
  readonly module?: Uint8Array<ArrayBuffer>;
};

export type Compile = (
  sources: readonly RegoSource[],
  options: { readonly entryPoint: string; readonly data: unknown },
  signal: AbortSignal,
) => Promise<Compiled>;

export type UnitOptions = {
  /** Names the RegoPolicy in errors. */
  readonly subject: string;
  readonly compile: Compile;
  readonly log: Logger;
  readonly clock: Clock;
};

export type LoadOptions = {
  readonly entryPoint: string;
  readonly limits: NonNullable<RegoPolicySpec["limits"]>;
};

/** The compiled Rego of one RegoPolicy, its worker and what it answered. */
export class RegoUnit {
  readonly #options: UnitOptions;
  /** Ends with the load that was asked for last. Written by load. */
  #loading: Promise<unknown> = Promise.resolve();
  /** Written by #load and close. */
  #loaded:
    | { readonly key: string; readonly host: WasmHost; readonly entryPoint: string }
    | undefined;
  /** What was refused last, so that it is not tried again. Written by #load. */
  #refused: { readonly key: string; readonly problems: readonly Problem[] } | undefined;
  /** Input → answer, of the last evaluateAll. Written by #load and evaluateAll. */
  #answers = new Map<string, unknown>();
  /** Evaluations that no kept answer spared. Written by evaluate. */
  evaluations = 0;

  constructor(options: UnitOptions) {
    this.#options = options;
  }

  /** Whether there is something to evaluate: what was loaded last without a problem. */
  get usable(): boolean {
    return this.#loaded !== undefined;
  }

  /** Whether this very content is what is evaluated. */
  holds(content: RegoContent, options: LoadOptions): boolean {
    return this.#loaded?.key === keyOf(content, options);
  }

  /**
   * Replaces what is evaluated, unless there are problems: then the last good one stays. One load
   * follows another: a replica may begin to lead while it gets its guard rails ready.
   */
  load(content: RegoContent, options: LoadOptions, signal: AbortSignal): Promise<Result<void>> {
    const loading = this.#loading.then(() => this.#load(content, options, signal));
    this.#loading = loading.catch(() => {}); // told to its caller
    return loading;
  }

  async #load(
    content: RegoContent,
    options: LoadOptions,
    signal: AbortSignal,
  ): Promise<Result<void>> {
    const { entryPoint, limits } = options;
    const key = keyOf(content, options);
    if (this.#loaded?.key === key) return { ok: true, value: undefined };
    if (this.#refused?.key === key) return { ok: false, problems: this.#refused.problems };
    const { data } = content;
    const { log, clock, compile } = this.#options;
    let { module } = content;
    if (module === undefined) {
      const compiled = await compile(content.sources, { entryPoint, data }, signal);
      if (!compiled.ok) {
        this.#refused = { key, problems: compiled.problems.map(problemAt) };
        return { ok: false, problems: this.#refused.problems };
      }
      module = compiled.module;
    } else {
      const problems = await problemsOfModule(module, entryPoint, clock, signal);
      if (problems.length > 0) {
        this.#refused = { key, problems };
        return { ok: false, problems };
      }
    }
    const { deadlineMs = 2_000, memoryMiB = 256 } = limits;
    const maximumPages = memoryMiB * 16;
    const initialPages = Math.min(256, maximumPages);
    const host = new WasmHost({
      ...{ module, data, log, clock, deadlineMs, initialPages, maximumPages },
    });
    await this.#loaded?.host.close();
    this.#loaded = { key, host, entryPoint };
    this.#answers = new Map();
    return { ok: true, value: undefined };
  }

  /** Throws EvaluationError. */
  async evaluate(input: unknown, signal: AbortSignal): Promise<unknown> {
    const { subject } = this.#options;
    if (this.#loaded === undefined) throw new Error(`${subject}: has no Rego that works`);
    const { host, entryPoint } = this.#loaded;
    this.evaluations++;
    return host.evaluate({ entryPoint, input, subject }, signal);
  }

  /** The answer for each input; those that were asked for last time too are not evaluated again. */
  async evaluateAll(inputs: readonly unknown[], signal: AbortSignal): Promise<readonly unknown[]> {
    const loaded = this.#loaded;
    const known = this.#answers;
    const answers = new Map<string, unknown>();
    const values: unknown[] = [];
    for (const input of inputs) {
      const key = stableJson(input);
      if (!answers.has(key)) {
        answers.set(key, known.has(key) ? known.get(key) : await this.evaluate(input, signal));
      }
      values.push(answers.get(key));
    }
    if (this.#loaded === loaded) this.#answers = answers;
    return values;
  }

  async close(): Promise<void> {
    await this.#loaded?.host.close();
    this.#loaded = undefined;
  }
}

async function problemsOfModule(
  module: Uint8Array<ArrayBuffer>,
  entryPoint: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<readonly Problem[]> {
  const shape = shapeProblems(module);
  if (shape.length > 0) return shape;
  try {
    return moduleProblems(await inspectModule(module, signal, { clock }), [entryPoint]);
  } catch (error) {
    signal.throwIfAborted();
    const what = (error as Error).message.replace(/^policy\.wasm: /, "");
    return [
      { field: "policy.wasm", what, fix: "build it with opa build -t wasm", kind: "invalid" },
    ];
  }
}

function keyOf({ key }: RegoContent, { entryPoint, limits }: LoadOptions): string {
  return stableJson([key, entryPoint, limits]);
}

/** A compiler's problem, where the author finds it. */
export function problemAt(problem: {
  readonly file: string;
  readonly row: number;
  readonly column: number;
  readonly code: string;
  readonly message: string;
}): Problem {
  const { file, row, column, code, message } = problem;
  const field = file === "" ? "spec" : `${file}:${row}:${column}`;
  return { field, what: `${code}: ${message}`, fix: "correct the Rego there", kind: "invalid" };
}
