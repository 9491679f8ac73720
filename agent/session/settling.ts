import { orAborted } from "@guardbee/kube";

/** Waits of those who want to know what becomes of something, looked at whenever that may have changed. */
export class Settling {
  readonly #waits = new Set<() => void>();

  /** Something may have changed. */
  look(): void {
    for (const look of [...this.#waits]) look();
  }

  /** What `found` gives as soon as it gives something: now, or after a change. Rejects with `signal.reason`. */
  async until<T extends object>(found: () => T | undefined, signal: AbortSignal): Promise<T> {
    const now = found();
    if (now !== undefined) return now;
    let look = () => {};
    const later = new Promise<T>((resolve) => {
      look = () => {
        const value = found();
        if (value !== undefined) resolve(value);
      };
    });
    this.#waits.add(look);
    try {
      return await orAborted(later, signal);
    } finally {
      this.#waits.delete(look);
    }
  }
}
