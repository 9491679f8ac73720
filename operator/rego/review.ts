import { parseRegoPolicy } from "@guardbee/policy";
import type { PolicyEntry } from "../fleet/objects.ts";
import type { Judgement } from "../policy/judge.ts";
import { inlineContent } from "./contents.ts";
import { type Compile, problemAt } from "./unit.ts";

export const defaultEntryPoints = {
  Generate: "guardbee/generate/policies",
  Guardrail: "guardbee/guardrail/decision",
} as const;

/**
 * What can be said of a RegoPolicy before it is stored: its schema, and whether its modules
 * compile. Nothing is evaluated, and no bundle is fetched: that would be an effect outside.
 */
export async function reviewRegoPolicy(
  entry: PolicyEntry,
  compile: Compile,
  signal: AbortSignal,
): Promise<Judgement> {
  const parsed = parseRegoPolicy(entry.object);
  if (!parsed.ok) return { kind: "refused", reason: "InvalidSpec", problems: parsed.problems };
  const { spec } = parsed.value;
  if (spec.modules === undefined) return { kind: "guards", rego: {} };
  const { digest, sources, data } = inlineContent(parsed.value);
  const entryPoint = spec.entryPoint ?? defaultEntryPoints[spec.role];
  const { namespace: owner } = entry.object.metadata;
  const compiled = await compile(sources, { entryPoint, data, owner }, signal);
  if (compiled.ok) return { kind: "guards", rego: { digest } };
  return { kind: "refused", reason: "InvalidRego", problems: compiled.problems.map(problemAt) };
}
