import type { LabelSelector, Scope } from "../selector-set.ts";

/** Where a process lives. A pod's namespace and labels are absent until they are known. */
export type Place = { readonly kind: "host" } | PodPlace;

export type PodPlace = {
  readonly kind: "pod";
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Absent: in none that the pod's spec has. `repos`: every name that the image's repository goes by. */
  readonly container?: "unknown" | { readonly name: string; readonly repos: readonly string[] };
};

/**
 * Whether a set with this scope holds there. What selects waits until it is known what it selects by,
 * unless it asks to hold meanwhile: then it holds wherever it may. One of a namespace never holds
 * where the namespace is not known: its author has no right to other pods.
 */
export function inScope(scope: Scope, place: Place): boolean {
  if (place.kind === "host") return scope.host;
  const { pods } = scope;
  if (pods === undefined) return false;
  const { namespace = "", container } = place;
  if (pods.namespaces !== undefined && !pods.namespaces.includes(namespace)) return false;
  const whileUnknown = pods.unknown === "Deny";
  if (!selectsPod(pods.labels, place, whileUnknown)) return false;
  if (pods.containers === undefined) return true;
  if (container === "unknown") return whileUnknown;
  return container !== undefined && matches(pods.containers, valuesIn(container));
}

const namespaceKey = "k8s:io.kubernetes.pod.namespace";

function selectsPod(
  selector: LabelSelector | undefined,
  { namespace, labels }: PodPlace,
  whileUnknown: boolean,
): boolean {
  if (selector === undefined) return true;
  const known = { ...labels, ...(namespace === undefined ? {} : { [namespaceKey]: namespace }) };
  const values = (key: string) => labelOf(known, key);
  if (labels !== undefined) return matches(selector, values);
  return whileUnknown && matches(onlyOn(Object.keys(known), selector), values);
}

/** The terms on those labels. */
function onlyOn(keys: readonly string[], selector: LabelSelector): LabelSelector {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  const wanted = Object.entries(matchLabels).filter(([key]) => keys.includes(key));
  return {
    matchLabels: Object.fromEntries(wanted),
    matchExpressions: matchExpressions.filter(({ key }) => keys.includes(key)),
  };
}

/** What there is under a key: none, one, or several names of one thing. */
type Values = (key: string) => readonly string[];

function valuesIn({ name, repos }: { name: string; repos: readonly string[] }): Values {
  return (key) => (key === "name" ? [name] : key === "repo" ? repos : []);
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
