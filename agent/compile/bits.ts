import { enums } from "../gen/layout.ts";

/** A bitmap over the selectors of one attach point, little-endian in 64-bit words. */
export type Bits = Uint8Array;

/** Words a bitmap of `count` selectors takes: 1, 2, 4, 8 or 16; undefined when there are too many. */
export function wordsFor(count: number): number | undefined {
  for (let words = 1; words <= enums.engine_limit.WORDS_MAX; words *= 2)
    if (count <= words * 64) return words;
  return undefined;
}

/** A bitmap with the bits for which `is` holds, out of `count`. */
export function bitsWhere(words: number, count: number, is: (bit: number) => boolean): Bits {
  const bits = new Uint8Array(words * 8);
  for (let bit = 0; bit < count; bit++) if (is(bit)) setBit(bits, bit, true);
  return bits;
}

function setBit(bits: Bits, bit: number, value: boolean): void {
  const mask = 1 << (bit & 7);
  bits[bit >> 3] = value ? bits[bit >> 3]! | mask : bits[bit >> 3]! & ~mask;
}

/** Bytes of a row in the map `rows`. */
export function rowBytes(words: number): number {
  return words === 1 ? 8 : (words + 1) * 8;
}

/** A row of the map `rows`: where there are several words, `only` stands behind them. */
export function toRow(bits: Bits, only: number): Uint8Array {
  const words = bits.length / 8;
  const row = new Uint8Array(rowBytes(words));
  row.set(bits);
  if (words > 1) row[words * 8] = only;
  return row;
}

/** The number of the only word that has a bit, or enums.only_word.WORD_SEVERAL, or enums.only_word.WORD_NONE. */
export function onlyWord(bits: Bits): number {
  const used = new Set<number>();
  for (const [at, byte] of bits.entries()) if (byte !== 0) used.add(at >> 3);
  if (used.size > 1) return enums.only_word.WORD_SEVERAL;
  return [...used][0] ?? enums.only_word.WORD_NONE;
}
