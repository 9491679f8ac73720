import { type Problem, type RegoPolicy, regoPoliciesPerNamespace } from "@guardbee/policy";
import type { PolicyEntry } from "../fleet/objects.ts";
import type { Refused } from "../judge/judgement.ts";

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
  const problem = tooMany(namespace, before.length);
  return { kind: "refused", reason: "Refused", problems: [problem] };
}

/** The same for policies in files, given one after the other: which of them is one too many. */
export function countShares(): (policy: RegoPolicy) => readonly Problem[] {
  const counts = new Map<string, number>();
  return ({ kind, metadata: { namespace = "default" } }) => {
    if (kind !== "RegoPolicyNamespaced") return [];
    const before = counts.get(namespace) ?? 0;
    counts.set(namespace, before + 1);
    return before < regoPoliciesPerNamespace ? [] : [tooMany(namespace, before)];
  };
}

function tooMany(namespace: string, before: number): Problem {
  return {
    field: "metadata.namespace",
    what: `is ${namespace}, which has ${before} RegoPolicyNamespaceds made before, and ${regoPoliciesPerNamespace} are the most`,
    fix: "delete one of them, or write what this one says into one",
    kind: "invalid",
  };
}

/** What is not stored yet has no time, and comes last. */
function comesBefore(one: PolicyEntry, other: PolicyEntry): boolean {
  if (one.setName === other.setName) return false;
  if (one.createdAt === other.createdAt) return one.setName < other.setName;
  return other.createdAt === "" || (one.createdAt !== "" && one.createdAt < other.createdAt);
}
