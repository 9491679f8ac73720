import { type ClassBits, classBits, classRow } from "../compile/class-rows.ts";
import type { Tables } from "../compile/tables.ts";
import type { Held } from "./held.ts";
import type { Classes } from "./scope-classes.ts";

const nobody: ReadonlySet<string> = new Set();

/**
 * The rows of scope classes in the tables in force. A pod that comes or goes changes one of hundreds: what
 * is there already is not made or written again.
 */
export class ClassRows {
  /**
   * By class number, the sets that its rows are of, also of numbers that are nobody's any more; undefined:
   * it is not known. Written by `forget`, `wrote` and `update`.
   */
  #written: Classes | undefined;
  readonly #bits = new WeakMap<Tables, ClassBits>();

  /** From now on it is not known what they have. */
  forget(): void {
    this.#written = undefined;
  }

  /** They came into force with tables, or are as those would have them. */
  wrote(classes: Classes): void {
    this.#written = classes;
  }

  /** The sets that some class has in its rows and not in `classes`, or not yet; undefined: it may be any. */
  moved(classes: Classes): ReadonlySet<string> | undefined {
    if (this.#written === undefined) return undefined;
    const moved = new Set<string>();
    for (let number = 0; number < Math.max(classes.length, this.#written.length); number++) {
      const [before, now] = [this.#written[number] ?? nobody, classes[number] ?? nobody];
      if (before !== now) for (const name of before.symmetricDifference(now)) moved.add(name);
    }
    return moved;
  }

  /** Writes those of `classes` that are new or have other sets, but the host's, in a slot. Throws KernelError. */
  update(classes: Classes, held: Iterable<Held>, slot: number): void {
    const before = this.#written;
    const isWritten = (number: number) => {
      const [there, now] = [before?.[number], classes[number]!];
      return there === now || there?.symmetricDifference(now).size === 0;
    };
    const changed = [...classes.keys()].filter((number) => number > 0 && !isWritten(number));
    if (changed.length > 0) {
      this.forget(); // until all of it was done
      for (const one of held) {
        const bitsOf = this.#bitsOf(one);
        for (const number of changed) {
          one.program.writeClassRow(slot, number, classRow(bitsOf(classes[number]!)));
        }
      }
    }
    // What the host's has only tables tell.
    this.#written = before && [before[0]!, ...classes.slice(1), ...before.slice(classes.length)];
  }

  #bitsOf({ point, tables }: Held): ClassBits {
    const known = this.#bits.get(tables) ?? classBits(point, tables.words);
    this.#bits.set(tables, known);
    return known;
  }
}
