import { type LabelSelector, matchesLabels } from "@guardbee/policy";

type Labels = Readonly<Record<string, string>>;

/**
 * Nodes by label, so that a selector for 50 nodes of 5,000 looks at those 50. A selector without
 * a positive term looks at all of them.
 */
export class NodeIndex {
  /** Written by set and delete. */
  readonly #labels = new Map<string, Labels>();
  /** `key` and `key=value` → names; a key holds no "=". Written by set and delete. */
  readonly #byTerm = new Map<string, Set<string>>();
  /** Every name, sorted; most policies are for all nodes. Written by match, set and delete. */
  #all: readonly string[] | undefined;

  set(name: string, labels: Labels): void {
    this.delete(name);
    this.#labels.set(name, labels);
    this.#all = undefined;
    for (const term of termsOf(labels)) {
      const names = this.#byTerm.get(term);
      if (names === undefined) this.#byTerm.set(term, new Set([name]));
      else names.add(name);
    }
  }

  delete(name: string): void {
    const labels = this.#labels.get(name);
    if (labels === undefined) return;
    this.#labels.delete(name);
    this.#all = undefined;
    for (const term of termsOf(labels)) {
      const names = this.#byTerm.get(term);
      names?.delete(name);
      if (names?.size === 0) this.#byTerm.delete(term);
    }
  }

  /** Names of the nodes that match, sorted. */
  match(selector: LabelSelector | undefined): readonly string[] {
    if (picksAll(selector)) {
      this.#all ??= [...this.#labels.keys()].sort();
      return this.#all;
    }
    const matching: string[] = [];
    for (const name of this.#candidates(selector)) {
      if (matchesLabels(selector, this.#labels.get(name) ?? {})) matching.push(name);
    }
    return matching.sort();
  }

  /** The smallest set that the index knows to hold every match. */
  #candidates(selector: LabelSelector | undefined): Iterable<string> {
    let best: ReadonlySet<string> | undefined;
    for (const terms of positiveTerms(selector)) {
      const sets = terms.map((term) => this.#byTerm.get(term) ?? new Set<string>());
      const size = sets.reduce((sum, set) => sum + set.size, 0);
      if (best === undefined || size < best.size) best = new Set(sets.flatMap((set) => [...set]));
    }
    return best ?? this.#labels.keys();
  }
}

function picksAll({ matchLabels = {}, matchExpressions = [] }: LabelSelector = {}): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}

function termsOf(labels: Labels): string[] {
  return Object.entries(labels).flatMap(([key, value]) => [key, `${key}=${value}`]);
}

/** For each term that needs a label: the index terms of which one must be there. */
function positiveTerms(selector: LabelSelector | undefined): readonly string[][] {
  const equal = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => [
    `${key}=${value}`,
  ]);
  const expressions = (selector?.matchExpressions ?? []).flatMap(({ key, operator, values }) => {
    if (operator === "In") return [(values ?? []).map((value) => `${key}=${value}`)];
    return operator === "Exists" ? [[key]] : [];
  });
  return [...equal, ...expressions];
}
