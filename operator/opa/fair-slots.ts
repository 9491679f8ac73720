/** Who wants a slot: a namespace, or the cluster's own. */
export type SlotOwner = string | undefined;

export type SlotShares = {
  readonly size: number;
  /** That namespaces together leave to the cluster's own; less than `size`. */
  readonly reserved: number;
  /** Of one namespace at a time. */
  readonly perNamespace: number;
};

type Waiter = { readonly owner: SlotOwner; readonly grant: () => void };

/**
 * Slots for work at once. The cluster's own goes first; namespaces take turns, and none has more than
 * its share however much it asks for. Order within one owner: first come, first served.
 */
export class FairSlots {
  readonly #shares: SlotShares;
  /** Slots in use, by owner. Written by #grant and #release. */
  readonly #active = new Map<SlotOwner, number>();
  /** By owner; the namespace whose turn it is comes first. Written by acquire, #next and #leave. */
  readonly #waiting = new Map<SlotOwner, Waiter[]>();

  constructor(shares: SlotShares) {
    this.#shares = shares;
  }

  /** Resolves with what gives the slot back, to be called once; rejects with `signal.reason`. */
  acquire(owner: SlotOwner, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const abort = () => {
        this.#leave(waiter);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        owner,
        grant: () => {
          signal.removeEventListener("abort", abort);
          this.#active.set(owner, (this.#active.get(owner) ?? 0) + 1);
          resolve(() => this.#release(owner));
        },
      };
      signal.addEventListener("abort", abort, { once: true });
      this.#waiting.set(owner, [...(this.#waiting.get(owner) ?? []), waiter]);
      this.#grantAll();
    });
  }

  #release(owner: SlotOwner): void {
    const left = this.#active.get(owner)! - 1;
    if (left === 0) this.#active.delete(owner);
    else this.#active.set(owner, left);
    this.#grantAll();
  }

  #grantAll(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) next.grant();
  }

  /** Takes out of line whose turn it is; undefined when none may have a slot. */
  #next(): Waiter | undefined {
    const { size, reserved, perNamespace } = this.#shares;
    const own = this.#active.get(undefined) ?? 0;
    const all = [...this.#active.values()].reduce((sum, count) => sum + count, 0);
    if (all >= size) return undefined;
    const mayHave = (one: SlotOwner) =>
      all - own < size - reserved && (this.#active.get(one) ?? 0) < perNamespace;
    const owner = this.#waiting.has(undefined)
      ? undefined
      : [...this.#waiting.keys()].find(mayHave);
    const line = this.#waiting.get(owner);
    const [first, ...rest] = line ?? [];
    this.#waiting.delete(owner); // and to the end, if it goes on waiting
    if (rest.length > 0) this.#waiting.set(owner, rest);
    return first;
  }

  #leave(waiter: Waiter): void {
    const rest = (this.#waiting.get(waiter.owner) ?? []).filter((one) => one !== waiter);
    if (rest.length > 0) this.#waiting.set(waiter.owner, rest);
    else this.#waiting.delete(waiter.owner);
  }
}
