import type { Policy } from "../parse-object.ts";
import { type PolicyRef, sizeOf } from "../selector-set.ts";
import { annotationWarnings } from "./annotations.ts";
import { checkSize } from "./check-size.ts";
import { lowerExecPolicy } from "./exec-policy.ts";
import type { Lowered } from "./lowered.ts";
import { lowerTracingPolicy } from "./tracing-policy.ts";

export type { Lowered } from "./lowered.ts";

/**
 * The policy in the one intermediate form, in canonical order, or everything that stands against
 * it. What the schema takes and this version cannot do is a problem of kind `unsupported`; nothing
 * is ever left out silently.
 */
export function lower(policy: Policy): Lowered {
  const ref = refOf(policy);
  if (policy.kind.endsWith("Namespaced") && ref.namespace === undefined) {
    const fix = "write the namespace this policy holds in";
    const field = "metadata.namespace";
    return {
      ok: false,
      problems: [{ field, what: "is missing", fix, kind: "invalid" }],
      warnings: [],
    };
  }
  const of = lowerKind(policy, ref);
  const lowered = { ...of, warnings: [...annotationWarnings(policy.metadata), ...of.warnings] };
  if (!lowered.ok) return lowered;
  const problems = checkSize(sizeOf(lowered.value));
  return problems.length === 0 ? lowered : { ...lowered, ok: false, problems };
}

function lowerKind(policy: Policy, ref: PolicyRef): Lowered {
  switch (policy.kind) {
    case "TracingPolicy":
    case "TracingPolicyNamespaced":
      return lowerTracingPolicy(policy, ref);
    case "ExecPolicy":
    case "ExecPolicyNamespaced":
      return lowerExecPolicy(policy, ref);
  }
}

/** The identity of a policy object. */
export function refOf(policy: Policy): PolicyRef {
  const { name, namespace } = policy.metadata;
  return { kind: policy.kind, ...(namespace ? { namespace } : {}), name };
}
