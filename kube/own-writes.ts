import type { Clock } from "./clock.ts";

/** How long the watch may take to show us our own write. */
const limitMs = 10_000;

export type OwnWritesOptions<T> = {
  /** Whether `seen` is our write or came after it: `isNotOlder`, or by what else tells. */
  readonly shows: (seen: T, written: T) => boolean;
  readonly clock: Clock;
  /** After which a write that was never shown no longer counts; default 10 s. */
  readonly limitMs?: number;
};

/** Our own last writes, by key, for as long as the watch is behind them. */
export class OwnWrites<T> {
  readonly #clock: Clock;
  readonly #shows: (seen: T, written: T) => boolean;
  readonly #limitMs: number;
  /** Those that were not shown yet. Written by `wrote`, `current` and `forget`. */
  readonly #written = new Map<string, { readonly value: T; readonly atMs: number }>();

  constructor(options: OwnWritesOptions<T>) {
    this.#clock = options.clock;
    this.#shows = options.shows;
    this.#limitMs = options.limitMs ?? limitMs;
  }

  /** What there is now: our last write, or what the watch shows where it has caught up with that. */
  current(key: string, seen: T | undefined): T | undefined {
    const written = this.#written.get(key);
    if (written === undefined) return seen;
    const late = this.#clock.monotonic() - written.atMs > this.#limitMs;
    if (!late && (seen === undefined || !this.#shows(seen, written.value))) return written.value;
    this.#written.delete(key);
    return seen;
  }

  /** `value`: what the API server answered. */
  wrote(key: string, value: T): void {
    this.#written.set(key, { value, atMs: this.#clock.monotonic() });
  }

  forget(key: string): void {
    this.#written.delete(key);
  }
}

/**
 * Whether a resource version is at least as new as another one of the same resource. They are decimal
 * numbers that grow (Kubernetes API concepts, "Resource versions"); of others only equal ones are.
 */
export function isNotOlder(
  seen: { readonly resourceVersion: string },
  written: { readonly resourceVersion: string },
): boolean {
  const [a, b] = [seen.resourceVersion, written.resourceVersion];
  if (a === b) return true;
  if (!isNumber.test(a) || !isNumber.test(b)) return false;
  return a.length === b.length ? a > b : a.length > b.length;
}

const isNumber = /^[1-9]\d*$/;
