import type { LabelSelector, Scope } from "../selector-set.ts";

/** Where a process lives. A pod's labels and container are absent until they are known. */
export type Place =
  | { readonly kind: "host" }
  | {
      readonly kind: "pod";
      readonly namespace: string;
      readonly labels?: Readonly<Record<string, string>>;
      /** `repos`: every name that the image's repository goes by. */
      readonly container?: { readonly name: string; readonly repos: readonly string[] };
    };

/** Whether a set with this scope holds there. What needs a label waits until labels are known. */
export function inScope(scope: Scope, place: Place): boolean {
  if (place.kind === "host") return scope.host;
  const { pods } = scope;
  if (pods === undefined) return false;
  if (pods.namespaces !== undefined && !pods.namespaces.includes(place.namespace)) return false;
  const namespace = { "k8s:io.kubernetes.pod.namespace": place.namespace };
  const labels = place.labels === undefined ? undefined : { ...place.labels, ...namespace };
  return (
    selects(pods.labels, labels && ((key) => labelOf(labels, key))) &&
    selects(pods.containers, place.container && valuesIn(place.container))
  );
}

/** What there is under a key: none, one, or several names of one thing. */
type Values = (key: string) => readonly string[];

function valuesIn({ name, repos }: { name: string; repos: readonly string[] }): Values {
  return (key) => (key === "name" ? [name] : key === "repo" ? repos : []);
}

function selects(selector: LabelSelector | undefined, values: Values | undefined): boolean {
  if (selector === undefined) return true;
  return values !== undefined && matches(selector, values);
}

/**
 * Kubernetes' rule: terms are ANDed; NotIn and DoesNotExist hold for an absent key. undefined, like an
 * empty selector, matches everything.
 */
export function matchesLabels(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  return selector === undefined || matches(selector, (key) => labelOf(labels, key));
}

function matches({ matchLabels = {}, matchExpressions = [] }: LabelSelector, of: Values): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => of(key).includes(value)) &&
    matchExpressions.every((term) => termHolds(term, of(term.key)))
  );
}

type Term = NonNullable<LabelSelector["matchExpressions"]>[number];

/** Of several names In asks for any, and NotIn for none. */
function termHolds({ operator, values = [] }: Term, found: readonly string[]): boolean {
  switch (operator) {
    case "In":
      return found.some((value) => values.includes(value));
    case "NotIn":
      return !found.some((value) => values.includes(value));
    case "Exists":
      return found.length > 0;
    case "DoesNotExist":
      return found.length === 0;
  }
}

/** Own keys only: a selector may ask for a label called "constructor". */
function labelOf(labels: Readonly<Record<string, string>>, key: string): readonly string[] {
  return Object.hasOwn(labels, key) ? [labels[key]!] : [];
}
