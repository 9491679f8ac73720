import type { NamedSet } from "../kernel/engine.ts";
import { objectOf } from "./set-object.ts";

/**
 * How many calls each SelectorSet object stopped, or in monitor mode would have, since this content
 * of it came or this agent started. Told in steps of 1, 2, 5, 10, 20, 50 and so on, so that a policy
 * that stops a million calls costs twenty reports.
 */
export class Stops {
  /** By object name. Written by add. */
  readonly #counts = new Map<string, { hash: string; count: number }>();
  readonly #onStep: () => void;

  /** `onStep`: `of` gives another number than before. */
  constructor(onStep: () => void) {
    this.#onStep = onStep;
  }

  /** One call that a set stopped, or would have. */
  add({ name, hash }: Pick<NamedSet, "name" | "hash">): void {
    const object = objectOf(name);
    const known = this.#counts.get(object);
    if (known?.hash === hash) known.count++;
    else this.#counts.set(object, { hash, count: 1 });
    const count = known?.hash === hash ? known.count : 1;
    if (stepBelow(count) === count) this.#onStep();
  }

  /** At least this many, by this content of the object. */
  of(object: string, hash: string): number {
    const known = this.#counts.get(object);
    return known?.hash === hash ? stepBelow(known.count) : 0;
  }
}

/** The largest of 1, 2, 5, 10, 20, 50... that is not above `count`. */
function stepBelow(count: number): number {
  const power = 10 ** Math.floor(Math.log10(count));
  return (count >= 5 * power ? 5 : count >= 2 * power ? 2 : 1) * power;
}
