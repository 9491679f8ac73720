import { lower } from "../lower/index.ts";
import { type Policy, parsePolicyObject } from "../parse-object.ts";
import { formatProblem } from "../problem.ts";
import type { SelectorSet } from "../selector-set.ts";

/** A valid TracingPolicy; tests give the spec that matters. */
export function aTracingPolicy(spec: object, namespace?: string): object {
  return {
    apiVersion: "cilium.io/v1alpha1",
    kind: namespace === undefined ? "TracingPolicy" : "TracingPolicyNamespaced",
    metadata: { name: "p", ...(namespace === undefined ? {} : { namespace }) },
    spec,
  };
}

/** A TracingPolicy with one kprobe, valid unless `kprobe` makes it otherwise. */
export function aKprobePolicy(kprobe: object): object {
  return aTracingPolicy({ kprobes: [{ call: "sys_lseek", ...kprobe }] });
}

export function anExecPolicy(selectors: readonly object[], spec: object = {}): object {
  return {
    apiVersion: "cilium.io/v1alpha1",
    kind: "ExecPolicy",
    metadata: { name: "p" },
    spec: { rules: { selectors }, ...spec },
  };
}

/** What parsing or lowering says against it, a line each; empty when it is good. */
export function problemsOf(raw: object): string[] {
  const parsed = parsePolicyObject(raw);
  const result = parsed.ok ? lower(parsed.value) : parsed;
  return result.ok
    ? []
    : result.problems.map((problem) => `${problem.kind} ${formatProblem(problem)}`);
}

/** Throws when it is not good. */
export function lowered(raw: object): SelectorSet {
  const parsed = parsePolicyObject(raw);
  const result = parsed.ok ? lower(parsed.value as Policy) : parsed;
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.value;
}
