import { type Bits, hasValueRows, toRow } from "./bits.ts";
import type { Entry } from "./keys.ts";

/**
 * Gives entries, whose values are bitmaps of `words`, as the engine has them: where those are large a value is
 * the number of a row, from `firstRow` on, and many entries have the same one.
 */
export class ValueRows {
  readonly #words: number;
  readonly #firstRow: number;
  /** The number of the row that each bitmap is. Written by `numbered`. */
  readonly #numbers = new Map<Bits, Uint8Array>();

  constructor(words: number, firstRow: number) {
    this.#words = words;
    this.#firstRow = firstRow;
  }

  numbered(entries: readonly Entry[]): readonly Entry[] {
    if (!hasValueRows(this.#words)) return entries;
    return entries.map(({ key, value }) => ({ key, value: this.#numberOf(value) }));
  }

  /** Those that entries have the numbers of so far. */
  rows(): readonly Uint8Array[] {
    return [...this.#numbers.keys()].map((bits) => toRow(bits, 0));
  }

  #numberOf(bits: Bits): Uint8Array {
    const known = this.#numbers.get(bits);
    if (known !== undefined) return known;
    const row = this.#firstRow + this.#numbers.size;
    const number = new Uint8Array(BigUint64Array.of(BigInt(row)).buffer);
    this.#numbers.set(bits, number);
    return number;
  }
}
