import type { LabelSelector } from "@guardbee/policy";

type Term = NonNullable<LabelSelector["matchExpressions"]>[number];

/** Whether every term of `selector` holds; as in Kubernetes, NotIn holds for an absent key. */
export function matchesLabels(
  selector: LabelSelector,
  labels: Readonly<Record<string, string>>,
): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labelOf(labels, key) === value) &&
    matchExpressions.every((term) => holds(term, labelOf(labels, term.key)))
  );
}

function holds({ operator, values = [] }: Term, value: string | undefined): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
  }
}

/** Own keys only: a policy may select on a key such as `constructor`. */
function labelOf(labels: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
