import { type Problem, parseRegoPolicy, type RegoPolicy } from "@guardbee/policy";
import type { PolicyEntry } from "../fleet/objects.ts";
import type { Judgement } from "../judge/judgement.ts";
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
  const problems = await checkModules(parsed.value, compile, signal);
  if (problems.length === 0) return { kind: "guards", rego: {} };
  return { kind: "refused", reason: "InvalidRego", problems };
}

/** What the compiler has against the modules of a RegoPolicy; none are in one with a bundle. */
export async function checkModules(
  policy: RegoPolicy,
  compile: Compile,
  signal: AbortSignal,
): Promise<readonly Problem[]> {
  const { metadata, spec } = policy;
  if (spec.modules === undefined) return [];
  const { sources, data } = inlineContent(policy);
  const entryPoint = spec.entryPoint ?? defaultEntryPoints[spec.role];
  const { namespace: owner } = metadata;
  const compiled = await compile(sources, { entryPoint, data, owner }, signal);
  return compiled.ok ? [] : compiled.problems.map(problemAt);
}
