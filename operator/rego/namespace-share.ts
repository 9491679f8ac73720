import { type Problem, regoPoliciesPerNamespace } from "@guardbee/policy";
import type { PolicyEntry } from "../fleet/objects.ts";
import type { Refused } from "../policy/judge.ts";

/**
 * The refusal of a RegoPolicyNamespaced that is one too many in its namespace, of `all` that there
 * are; undefined when it is not. Those that were made first are in force, edited or not.
 */
export function overShare(entry: PolicyEntry, all: readonly PolicyEntry[]): Refused | undefined {
  const { namespace } = entry.object.metadata;
  if (namespace === undefined) return undefined;
  const before = all.filter(
    (one) =>
      one.object.metadata.namespace === namespace && !one.deleting && comesBefore(one, entry),
  );
  if (before.length < regoPoliciesPerNamespace) return undefined;
  const problem: Problem = {
    field: "metadata.namespace",
    what: `is ${namespace}, which has ${before.length} RegoPolicyNamespaceds made before; ${regoPoliciesPerNamespace} are the most`,
    fix: "delete one of them, or write what this one says into one",
    kind: "invalid",
  };
  return { kind: "refused", reason: "Refused", problems: [problem] };
}

/** What is not stored yet has no time, and comes last. */
function comesBefore(one: PolicyEntry, other: PolicyEntry): boolean {
  if (one.setName === other.setName) return false;
  if (one.createdAt === other.createdAt) return one.setName < other.setName;
  return other.createdAt === "" || (one.createdAt !== "" && one.createdAt < other.createdAt);
}
