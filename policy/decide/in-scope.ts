import type { LabelSelector, Scope } from "../selector-set.ts";

/** Where a process lives. A pod's labels and container are absent until they are known. */
export type Place =
  | { readonly kind: "host" }
  | {
      readonly kind: "pod";
      readonly namespace: string;
      readonly labels?: Readonly<Record<string, string>>;
      /** `repo` is the image without tag and digest. */
      readonly container?: { readonly name: string; readonly repo: string };
    };

/** Whether a set with this scope holds there. What needs a label waits until labels are known. */
export function inScope(scope: Scope, place: Place): boolean {
  if (place.kind === "host") return scope.host;
  const { pods } = scope;
  if (pods === undefined) return false;
  if (pods.namespaces !== undefined && !pods.namespaces.includes(place.namespace)) return false;
  const namespace = { "k8s:io.kubernetes.pod.namespace": place.namespace };
  const labels = place.labels === undefined ? undefined : { ...place.labels, ...namespace };
  return selects(pods.labels, labels) && selects(pods.containers, place.container);
}

function selects(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>> | undefined,
): boolean {
  if (selector === undefined) return true;
  return labels !== undefined && matchesLabels(selector, labels);
}

/** Kubernetes' rule: terms are ANDed; NotIn and DoesNotExist hold for an absent key. */
export function matchesLabels(
  selector: LabelSelector,
  labels: Readonly<Record<string, string>>,
): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labelOf(labels, key) === value) &&
    matchExpressions.every((term) => termHolds(term, labelOf(labels, term.key)))
  );
}

type Term = NonNullable<LabelSelector["matchExpressions"]>[number];

function termHolds({ operator, values = [] }: Term, value: string | undefined): boolean {
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

/** Own keys only: a selector may ask for a label called "constructor". */
function labelOf(labels: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
