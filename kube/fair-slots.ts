import { FairTurns, type TurnOwner, type TurnShares } from "./fair-turns.ts";

type Waiter = { readonly grant: () => void };

/** Slots for work at once, given by FairTurns to whoever waits for one; the cluster's own goes first. */
export class FairSlots {
  readonly #turns: FairTurns<Waiter>;

  constructor(shares: Omit<TurnShares, "cluster">) {
    this.#turns = new FairTurns({ ...shares, cluster: "first" });
  }

  /** Resolves with what gives the slot back, to be called once; rejects with `signal.reason`. */
  acquire(owner: TurnOwner, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const abort = () => {
        this.#turns.remove(waiter, owner);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        grant: () => {
          signal.removeEventListener("abort", abort);
          resolve(() => this.#release(owner));
        },
      };
      signal.addEventListener("abort", abort, { once: true });
      this.#turns.add(waiter, owner);
      this.#grantAll();
    });
  }

  #release(owner: TurnOwner): void {
    this.#turns.finish(owner);
    this.#grantAll();
  }

  #grantAll(): void {
    for (let one = this.#turns.take(); one !== undefined; one = this.#turns.take()) one.grant();
  }
}
