import type { Mode, Policy, Problem, Result, Scope } from "@guardbee/policy";
import type { WasmHost } from "../opa/host.ts";
import { parseScope } from "./scope.ts";

/** What the built-in Rego decided about one policy. */
export type Decision =
  | { readonly accepted: true; readonly scope: Scope; readonly mode: Mode }
  | { readonly accepted: false; readonly problems: readonly Problem[]; readonly mode: Mode };

/** What Rego may know of the cluster. */
export type Facts = { readonly ownNamespace: string };

/** Decides one policy; throws EvaluationError when there is no answer, or none that makes sense. */
export type Translate = (policy: Policy, signal: AbortSignal) => Promise<Decision>;

/** The decision of `rego/translate.rego`, checked again. */
export function createTranslate(host: WasmHost, facts: Facts): Translate {
  return async (policy, signal) => {
    const { kind, metadata, spec } = policy;
    const { namespace, name, labels = {}, annotations = {} } = metadata;
    const subject = `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
    const identity = { name, ...(namespace ? { namespace } : {}), labels, annotations };
    const input = { policy: { kind, metadata: identity, spec }, facts };
    const raw = await host.evaluate({ entryPoint, input, subject }, signal);
    const decision = parseDecision(raw);
    if (decision.ok) return decision.value;
    const what = decision.problems.map(({ field, what }) => `${field} ${what}`).join(", ");
    throw new Error(`${subject}: rego ${entryPoint}: answers nonsense: ${what}`);
  };
}

const entryPoint = "guardbee/translate/result";

/** The decision in what Rego returned. Never throws. */
export function parseDecision(raw: unknown): Result<Decision> {
  if (!isRecord(raw)) return nonsense("result", "is not an object");
  const { accepted, problems, scope, mode } = raw;
  if (mode !== "enforce" && mode !== "monitor") return nonsense("mode", `is ${String(mode)}`);
  if (!Array.isArray(problems)) return nonsense("problems", "is not a list");
  if (accepted !== (problems.length === 0)) return nonsense("accepted", "contradicts problems");
  if (problems.length > 0) {
    return { ok: true, value: { accepted: false, problems: problems.map(readProblem), mode } };
  }
  const parsed = parseScope(scope);
  return parsed.ok ? { ok: true, value: { accepted: true, scope: parsed.value, mode } } : parsed;
}

/** A problem is shown to a person whatever its form: a refusal must not be lost to a wrong type. */
function readProblem(raw: unknown): Problem {
  const { field, what, fix } = isRecord(raw) ? raw : { field: "spec", what: raw, fix: "" };
  return { field: String(field), what: String(what), fix: String(fix), kind: "invalid" };
}

function nonsense(field: string, what: string): Result<never> {
  const problem: Problem = { field, what, fix: "correct the Rego module", kind: "invalid" };
  return { ok: false, problems: [problem] };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
