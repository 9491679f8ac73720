/** Whose keys are of no namespace. */
const cluster = "";

/**
 * Keys that are due, and whose turn it is: owners come round one after the other, the keys of each in
 * the order they came. One worker is kept for the cluster's keys whatever namespaces ask for, and no
 * namespace has more than half of the others: work on its keys may be slow because it wants it so.
 */
export class FairTurns {
  readonly #workers: number;
  /** Owners with keys, the next one first. Written by add and #takeOf. */
  readonly #waiting = new Map<string, Set<string>>();
  /** Owner → keys under way. Written by #takeOf and finish. */
  readonly #active = new Map<string, number>();
  #activeCount = 0;

  constructor(workers: number) {
    this.#workers = workers;
  }

  add(key: string, namespace: string | undefined): void {
    const owner = namespace ?? cluster;
    const keys = this.#waiting.get(owner);
    if (keys === undefined) this.#waiting.set(owner, new Set([key]));
    else keys.add(key);
  }

  /** The next key that a worker is free for; it has that worker until `finish`. */
  take(): string | undefined {
    if (this.#activeCount >= this.#workers) return undefined;
    const forNamespaces = Math.max(this.#workers - 1, 1);
    const ofNamespaces = this.#activeCount - this.#activeOf(cluster);
    if (ofNamespaces >= forNamespaces) return this.#takeOf(cluster);
    const share = Math.max(forNamespaces >> 1, 1);
    // Those that have their share are passed over; they are at most as many as workers.
    for (const owner of this.#waiting.keys()) {
      if (owner === cluster || this.#activeOf(owner) < share) return this.#takeOf(owner);
    }
    return undefined;
  }

  finish(namespace: string | undefined): void {
    const owner = namespace ?? cluster;
    const left = this.#activeOf(owner) - 1;
    if (left > 0) this.#active.set(owner, left);
    else this.#active.delete(owner);
    this.#activeCount--;
  }

  #takeOf(owner: string): string | undefined {
    const keys = this.#waiting.get(owner);
    const key = keys?.values().next().value;
    if (keys === undefined || key === undefined) return undefined;
    keys.delete(key);
    this.#waiting.delete(owner);
    if (keys.size > 0) this.#waiting.set(owner, keys); // behind the others
    this.#active.set(owner, this.#activeOf(owner) + 1);
    this.#activeCount++;
    return key;
  }

  #activeOf(owner: string): number {
    return this.#active.get(owner) ?? 0;
  }
}
