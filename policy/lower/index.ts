import type { Policy } from "../parse-object.ts";
import type { Result } from "../problem.ts";
import type { PolicyRef, SelectorSet } from "../selector-set.ts";
import { lowerExecPolicy } from "./exec-policy.ts";
import { lowerTracingPolicy } from "./tracing-policy.ts";

/**
 * The policy in the one intermediate form, in canonical order, or everything that stands against
 * it. What the schema takes and this version cannot do is a problem of kind `unsupported`; nothing
 * is ever left out silently.
 */
export function lower(policy: Policy): Result<SelectorSet> {
  const ref = refOf(policy);
  if (policy.kind.endsWith("Namespaced") && ref.namespace === undefined) {
    const fix = "write the namespace this policy holds in";
    const field = "metadata.namespace";
    return { ok: false, problems: [{ field, what: "is missing", fix, kind: "invalid" }] };
  }
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
