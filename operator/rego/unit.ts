import type { Clock, TurnOwner } from "@guardbee/kube";
import type { Problem, Result } from "@guardbee/policy";
import { canonicalJson } from "@guardbee/policy";
import type { Compiled } from "../opa/compile.ts";
import { type Evaluation, EvaluationError } from "../opa/host.ts";
import type { ModuleChecks } from "../opa/inspect.ts";
import type { RegoSource } from "../opa/rego-source.ts";
import type { Sandbox, SandboxUnit } from "../opa/sandbox.ts";
import { Breaker } from "./breaker.ts";

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
  options: {
    readonly entryPoint: string;
    readonly data: unknown;
    /** Whose Rego it is. */
    readonly owner: TurnOwner;
  },
  signal: AbortSignal,
) => Promise<Compiled>;

export type UnitOptions = {
  /** Names the RegoPolicy in errors. */
  readonly subject: string;
  /** Its namespace. */
  readonly owner?: TurnOwner;
  readonly compile: Compile;
  /** Where it is evaluated. */
  readonly sandbox: Sandbox;
  /** Where it is evaluated for what is not stored; default the same. */
  readonly reviewSandbox?: Sandbox;
  readonly checks: ModuleChecks;
  readonly clock: Clock;
  /** Of all evaluations of one evaluateAll, by the clock; default none. */
  readonly budgetMs?: number;
  /** It is broken for somebody from now on, or no longer. */
  readonly onBreak?: () => void;
};

/** As in `spec.limits`, none missing. */
export type EvaluationLimits = Pick<SandboxUnit, "deadlineMs" | "memoryMiB">;

export type LoadOptions = {
  readonly entryPoint: string;
  readonly limits: EvaluationLimits;
};

/** The same only for what is evaluated alike. */
export function unitKey({ key }: RegoContent, { entryPoint, limits }: LoadOptions): string {
  return canonicalJson([key, entryPoint, limits]);
}

/** `content`, compiled, or checked where it brings its module; or what stands against it. */
export async function loadUnit(
  content: RegoContent,
  load: LoadOptions,
  options: UnitOptions,
  signal: AbortSignal,
): Promise<Result<RegoUnit>> {
  const { entryPoint } = load;
  const { data, sources, module } = content;
  const { compile, checks, owner } = options;
  if (module !== undefined) {
    const problems = await checks.problems(module, [entryPoint], signal);
    if (problems.length > 0) return { ok: false, problems };
    return { ok: true, value: new RegoUnit({ module, content, load }, options) };
  }
  const compiled = await compile(sources, { entryPoint, data, owner }, signal);
  if (!compiled.ok) return { ok: false, problems: compiled.problems.map(problemAt) };
  return { ok: true, value: new RegoUnit({ module: compiled.module, content, load }, options) };
}

/** Rego that can be evaluated, and what it answered. */
export class RegoUnit {
  readonly key: string;
  readonly #options: UnitOptions;
  readonly #unit: SandboxUnit;
  readonly #entryPoint: string;
  readonly #breaker: Breaker;
  /** The same for reviews: what is only tried must break nothing. */
  readonly #reviewBreaker: Breaker;
  /** Input → answer, of the last evaluateAll. Written by evaluateAll. */
  #answers: ReadonlyMap<string, unknown> = new Map();

  /** Of what loadUnit has compiled or checked. */
  constructor(
    loaded: {
      readonly module: Uint8Array<ArrayBuffer>;
      readonly content: RegoContent;
      readonly load: LoadOptions;
    },
    options: UnitOptions,
  ) {
    const { module, content, load } = loaded;
    this.key = unitKey(content, load);
    this.#options = options;
    this.#unit = { module, data: content.data, ...load.limits };
    this.#entryPoint = load.entryPoint;
    this.#breaker = new Breaker(options.clock);
    this.#reviewBreaker = new Breaker(options.clock);
  }

  /** For `owner`, as Sandbox.evaluate has it. Throws EvaluationError. */
  evaluate(
    input: unknown,
    owner: TurnOwner,
    signal: AbortSignal,
    budget?: Budget,
  ): Promise<unknown> {
    const { sandbox, onBreak } = this.#options;
    const by = { sandbox, breaker: this.#breaker, ...(onBreak ? { onBreak } : {}) };
    return this.#evaluateBy(by, input, owner, signal, budget);
  }

  /** As evaluate, of what is not stored: neither waits for the other. */
  review(input: unknown, owner: TurnOwner, signal: AbortSignal): Promise<unknown> {
    const { sandbox, reviewSandbox = sandbox } = this.#options;
    const by = { sandbox: reviewSandbox, breaker: this.#reviewBreaker };
    return this.#evaluateBy(by, input, owner, signal);
  }

  async #evaluateBy(
    { sandbox, breaker, onBreak }: Evaluator,
    input: unknown,
    owner: TurnOwner,
    signal: AbortSignal,
    budget?: Budget,
  ): Promise<unknown> {
    const of = { entryPoint: this.#entryPoint, input, subject: this.#options.subject };
    const refusal = breaker.refusal(owner);
    if (refusal !== undefined) throw new EvaluationError(of, "broken", refusal);
    const again = breaker.triesAgain(owner);
    try {
      const { value, tookMs } = await sandbox.evaluate(this.#unit, of, owner, signal);
      if (budget !== undefined) spend(budget, tookMs, of);
      if (breaker.succeeded(owner)) onBreak?.();
      return value;
    } catch (error) {
      const changed = isOverrun(error)
        ? breaker.overran(owner, error.what)
        : error instanceof EvaluationError && breaker.succeeded(owner); // it did end in time
      if (changed) onBreak?.();
      const still = again && isOverrun(error) ? breaker.refusal(owner) : undefined;
      throw still === undefined ? error : new EvaluationError(of, "broken", still);
    }
  }

  /** The answer for each input; those that were asked for last time too are not evaluated again. */
  async evaluateAll(inputs: readonly unknown[], signal: AbortSignal): Promise<readonly unknown[]> {
    const known = this.#answers;
    const answers = new Map<string, unknown>();
    const values: unknown[] = [];
    const { budgetMs, owner } = this.#options;
    const budget = budgetMs === undefined ? undefined : { totalMs: budgetMs, leftMs: budgetMs };
    for (const input of inputs) {
      const key = canonicalJson(input);
      if (!answers.has(key)) {
        answers.set(
          key,
          known.has(key) ? known.get(key) : await this.evaluate(input, owner, signal, budget),
        );
      }
      values.push(answers.get(key));
    }
    this.#answers = answers;
    return values;
  }

  /** See Breaker. */
  brokenFor(owners: "any" | TurnOwner): string | undefined {
    return this.#breaker.brokenFor(owners);
  }
}

type Evaluator = {
  readonly sandbox: Sandbox;
  readonly breaker: Breaker;
  readonly onBreak?: () => void;
};

type Budget = { readonly totalMs: number; leftMs: number };

function spend(budget: Budget, tookMs: number, of: Evaluation): void {
  budget.leftMs -= tookMs;
  if (budget.leftMs >= 0) return;
  const what = `its evaluations together took over ${budget.totalMs} ms; make it do less`;
  throw new EvaluationError(of, "deadline", what);
}

/** Whether an evaluation took more than was its due, and would again. */
function isOverrun(error: unknown): error is EvaluationError {
  return error instanceof EvaluationError && error.reason !== "failed";
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
