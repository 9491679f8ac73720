import { namespaceOfSet, type Problem, type SelectorSet } from "@guardbee/policy";
import { addSizes, measures, noSize, type ObjectSize, sizeOfAll } from "../fleet/object-size.ts";

/**
 * What the policies of one namespace may have together. A tenant who needs more is better served by
 * a cluster policy; more than this only serves to load every node.
 */
export const namespaceBounds: ObjectSize = {
  policies: 128,
  hooks: 512,
  selectors: 1_024,
  values: 10_000,
};

/** A SelectorSet object of a namespace that is there. */
export type Stored = { readonly name: string; readonly size?: ObjectSize };

/** One that is to be written. */
export type Wanted = {
  readonly name: string;
  readonly namespace: string;
  readonly sets: readonly SelectorSet[];
};

/**
 * What namespaces hold, as a ResourceQuota counts: who comes when all is taken is refused, what is
 * in force stays, and an edit that needs no more than before is taken.
 */
export class NamespaceQuota {
  readonly #stored: (namespace: string) => readonly Stored[];
  /** By namespace and name: granted here, and perhaps not seen in the store yet. Written by `take` and `forget`. */
  readonly #granted = new Map<string, Map<string, ObjectSize>>();

  /** `stored`: the SelectorSets of a namespace's policies, as far as they are seen. */
  constructor(stored: (namespace: string) => readonly Stored[]) {
    this.#stored = stored;
  }

  /** Takes what an object needs, or says of what there is not enough left. */
  take({ name, namespace, sets }: Wanted): readonly Problem[] {
    const size = sizeOfAll(sets);
    const held = this.#heldIn(namespace);
    const before = held.get(name) ?? noSize;
    held.delete(name);
    const others = [...held.values()].reduce(addSizes, noSize);
    const problems = measures.flatMap((what): readonly Problem[] => {
      const [bound, total] = [namespaceBounds[what], others[what] + size[what]];
      if (total <= bound || size[what] <= before[what]) return [];
      return [
        {
          field: "metadata.namespace",
          what: `${namespace} would have ${total} ${what} in its policies, of which this has ${size[what]}`,
          fix: `at most ${bound} in one namespace: remove or shorten others`,
          kind: "invalid",
        },
      ];
    });
    if (problems.length > 0) return problems;
    const granted = this.#granted.get(namespace) ?? new Map<string, ObjectSize>();
    this.#granted.set(namespace, granted.set(name, size));
    return [];
  }

  /** The object, by the name of its SelectorSet, is gone. */
  forget(name: string): void {
    const namespace = namespaceOfSet(name) ?? "";
    const granted = this.#granted.get(namespace);
    granted?.delete(name);
    if (granted?.size === 0) this.#granted.delete(namespace);
  }

  #heldIn(namespace: string): Map<string, ObjectSize> {
    return new Map([
      ...this.#stored(namespace).map(({ name, size = noSize }) => [name, size] as const),
      ...(this.#granted.get(namespace) ?? []),
    ]);
  }
}
