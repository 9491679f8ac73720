import type { Result } from "@guardbee/policy";
import type { Logger } from "pino";
import type { Bundle } from "../bundle/index.ts";
import { EvaluationError } from "../opa/host.ts";
import { evalWithOpa, type OpaAnswer } from "../opa/opa-eval.ts";
import { type InventorySnapshot, inputsOf } from "./generate.ts";
import { loadOffline, seenBy } from "./offline.ts";
import { firstParting, relationOf } from "./same-result.ts";

export type CompareOptions = {
  readonly opa: string;
  readonly log: Logger;
  /** For a RegoPolicy whose Rego is in a bundle. */
  readonly bundle?: Bundle;
  /** Is told after each evaluation how many of them are done. */
  readonly onProgress?: (done: number, all: number) => void;
};

/** An evaluation that `opa eval` and Guardbee do not answer alike. */
export type Parting = {
  /** `policies`, `policies(namespace shop)`. */
  readonly of: string;
  /** `order`: only lists are in another order. */
  readonly kind: "order" | "different";
  /** What stands where the two part, as JSON; or why there is no value. */
  readonly opa: string;
  readonly guardbee: string;
  /** `[0].spec.values`; empty for the whole. */
  readonly at: string;
};

export type Comparison = { readonly evaluations: number; readonly partings: readonly Parting[] };

/**
 * What a generator gives for an inventory under the real `opa eval` and under Guardbee, where they
 * part. Throws when opa cannot be run.
 */
export async function compareOffline(
  raw: unknown,
  inventory: InventorySnapshot,
  { opa, log, bundle, onProgress }: CompareOptions,
  signal: AbortSignal,
): Promise<Result<Comparison>> {
  const loaded = await loadOffline(raw, { opa, log, bundle }, signal);
  if (!loaded.ok) return loaded;
  const { policy, content, entryPoint, evaluate, close } = loaded.value;
  const { sources, data } = content;
  try {
    if (sources.length === 0) return nothingToCompare();
    const inputs = inputsOf(policy, seenBy(policy, inventory));
    const answers = evalWithOpa(
      sources,
      inputs.map(({ input }) => input),
      { opa, entryPoint, data, signal },
    );
    const partings: Parting[] = [];
    let done = 0;
    for await (const theirs of answers) {
      const { of, input } = inputs[done]!;
      const ours = await answerOf(() => evaluate(input, signal), signal);
      const parting = partingOf(of, theirs, ours);
      if (parting !== undefined) partings.push(parting);
      onProgress?.(++done, inputs.length);
    }
    return { ok: true, value: { evaluations: inputs.length, partings } };
  } finally {
    close();
  }
}

/** What Guardbee answers, in the shape of what opa does. */
export async function answerOf(
  evaluate: () => Promise<unknown>,
  signal: AbortSignal,
): Promise<OpaAnswer> {
  try {
    return { kind: "value", value: await evaluate() };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof EvaluationError)) throw error;
    return error.isUndefined ? { kind: "undefined" } : { kind: "error", message: error.what };
  }
}

function partingOf(of: string, opa: OpaAnswer, guardbee: OpaAnswer): Parting | undefined {
  if (opa.kind !== "value" || guardbee.kind !== "value") {
    if (opa.kind === guardbee.kind) return undefined; // both undefined, or an error in both
    return { of, kind: "different", at: "", opa: told(opa), guardbee: told(guardbee) };
  }
  const relation = relationOf(opa.value, guardbee.value);
  if (relation === "same") return undefined;
  const { at, a, b } = firstParting(opa.value, guardbee.value)!;
  return { of, kind: relation, at, opa: json(a), guardbee: json(b) };
}

function told(answer: OpaAnswer): string {
  if (answer.kind === "undefined") return "is undefined";
  return answer.kind === "error" ? answer.message : json(answer.value);
}

function json(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length <= 200 ? text : `${text.slice(0, 200)}... (${text.length} characters)`;
}

function nothingToCompare(): Result<never> {
  const what = "has no Rego beside policy.wasm, so that opa eval has nothing to run";
  const fix = "build it with guardbee rego build, which ships both, or do not compare";
  return { ok: false, problems: [{ field: "bundle", what, fix, kind: "invalid" }] };
}
