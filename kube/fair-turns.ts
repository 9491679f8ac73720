/** Who asks: a namespace, or the cluster's own. */
export type TurnOwner = string | undefined;

export type TurnShares = {
  /** Turns at once. */
  readonly size: number;
  /** That namespaces together leave to the cluster's own; less than `size`. */
  readonly reserved: number;
  /** Of one namespace at a time. */
  readonly perNamespace: number;
  /** Whether the cluster's own goes before all that wait, or comes round among them. */
  readonly cluster: "first" | "among";
};

/**
 * What waits for a turn, and whose turn it is: owners come round one after the other, the items of each
 * in the order they came. Whatever namespaces ask for, they leave the cluster its part, and none has
 * more than its share: work on what it asks for may be slow because it wants it so.
 */
export class FairTurns<T> {
  readonly #shares: TurnShares;
  /** By owner, the next one first. Written by add, remove and #takeOf. */
  readonly #waiting = new Map<TurnOwner, Set<T>>();
  /** Turns that owners have. Written by #takeOf and finish. */
  readonly #active = new Map<TurnOwner, number>();
  #activeCount = 0;

  constructor(shares: TurnShares) {
    this.#shares = shares;
  }

  add(item: T, owner: TurnOwner): void {
    const items = this.#waiting.get(owner);
    if (items === undefined) this.#waiting.set(owner, new Set([item]));
    else items.add(item);
  }

  /** Takes an item out of line that goes without a turn. */
  remove(item: T, owner: TurnOwner): void {
    const items = this.#waiting.get(owner);
    items?.delete(item);
    if (items?.size === 0) this.#waiting.delete(owner);
  }

  /** The item whose turn it is, if there is a turn; it has that until `finish`. */
  take(): T | undefined {
    const { size, reserved, perNamespace, cluster } = this.#shares;
    if (this.#activeCount >= size) return undefined;
    if (cluster === "first" && this.#waiting.has(undefined)) return this.#takeOf(undefined);
    const ofNamespaces = this.#activeCount - this.#activeOf(undefined);
    if (ofNamespaces >= size - reserved) return this.#takeOf(undefined);
    // Those that have their share are passed over; they are at most as many as turns.
    for (const owner of this.#waiting.keys()) {
      const mayHave = owner === undefined || this.#activeOf(owner) < perNamespace;
      if (mayHave) return this.#takeOf(owner);
    }
    return undefined;
  }

  finish(owner: TurnOwner): void {
    const left = this.#activeOf(owner) - 1;
    if (left > 0) this.#active.set(owner, left);
    else this.#active.delete(owner);
    this.#activeCount--;
  }

  #takeOf(owner: TurnOwner): T | undefined {
    const items = this.#waiting.get(owner);
    if (items === undefined) return undefined;
    const [item] = items;
    items.delete(item!);
    this.#waiting.delete(owner);
    if (items.size > 0) this.#waiting.set(owner, items); // behind the others
    this.#active.set(owner, this.#activeOf(owner) + 1);
    this.#activeCount++;
    return item;
  }

  #activeOf(owner: TurnOwner): number {
    return this.#active.get(owner) ?? 0;
  }
}
