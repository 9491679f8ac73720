import { type ClassBits, classBits, classRow } from "../compile/class-rows.ts";
import type { Held } from "./held.ts";
import type { Classes } from "./scope-classes.ts";

/**
 * The rows of scope classes in the tables in force. A pod that comes or goes changes one of hundreds: what
 * is there already is not made or written again.
 */
export class ClassRows {
  /** By class number, the sets that its rows are of. Written by `wrote` and `update`. */
  #written: readonly string[] = [];
  readonly #bits = new WeakMap<Held, ClassBits>();

  /** They came into force with tables; of others it is not known what those have. */
  wrote(classes: Classes): void {
    this.#written = classes.map(listOf);
  }

  /** Writes those of `classes` that are new or have other sets, but the host's. Throws KernelError. */
  update(classes: Classes, held: Iterable<Held>): void {
    const lists = classes.map(listOf);
    const changed = [...lists.keys()].filter((at) => at > 0 && lists[at] !== this.#written[at]);
    if (changed.length > 0) {
      for (const one of held) {
        const bitsOf = this.#bitsOf(one);
        for (const number of changed) {
          one.program.writeClassRow(number, classRow(bitsOf(classes[number]!)));
        }
      }
    }
    this.#written = lists;
  }

  #bitsOf(held: Held): ClassBits {
    const known = this.#bits.get(held) ?? classBits(held.point, held.tables.words);
    this.#bits.set(held, known);
    return known;
  }
}

function listOf(names: ReadonlySet<string>): string {
  return [...names].join("\n");
}
