import { enums } from "../gen/layout.ts";

/** A bitmap over the selectors of one attach point, little-endian in 64-bit words. */
export type Bits = Uint8Array;

/** Words a bitmap of `count` selectors takes: 1, 2, 4, 8, 16 or WORDS_MAX; undefined when there are too many. */
export function wordsFor(count: number): number | undefined {
  const { UNROLLED_MAX, WORDS_MAX } = enums.engine_limit;
  for (let words = 1; words <= UNROLLED_MAX; words *= 2) if (count <= words * 64) return words;
  return count <= WORDS_MAX * 64 ? WORDS_MAX : undefined;
}

/** A bitmap with these bits. */
export function bitsAt(words: number, bits: Iterable<number>): Bits {
  const bitmap = new Uint8Array(words * 8);
  for (const bit of bits) setBit(bitmap, bit, true);
  return bitmap;
}

/** A bitmap with the bits for which `is` holds, out of `count`. */
export function bitsWhere(words: number, count: number, is: (bit: number) => boolean): Bits {
  const bits = new Uint8Array(words * 8);
  for (let bit = 0; bit < count; bit++) if (is(bit)) setBit(bits, bit, true);
  return bits;
}

/** Sets or clears a bit in place. */
export function setBit(bits: Bits, bit: number, value: boolean): void {
  const mask = 1 << (bit & 7);
  bits[bit >> 3] = value ? bits[bit >> 3]! | mask : bits[bit >> 3]! & ~mask;
}

/** Bytes of a row in the map `rows`. */
export function rowBytes(words: number): number {
  return words === 1 ? 8 : (words + 1) * 8;
}

/** Bytes of a value in the maps `numbers`, `equals` and `prefixes`: a bitmap, or a row's number. */
export function valueBytes(words: number): number {
  return hasValueRows(words) ? 8 : words * 8;
}

/** Whether bitmaps are so large that values have the numbers of rows instead. */
export function hasValueRows(words: number): boolean {
  return words > enums.engine_limit.UNROLLED_MAX;
}

/** Bytes of a processor's memory for one call. */
export function scratchBytes(words: number): number {
  const { SCRATCH_SIZE, SCRATCH_BITMAPS } = enums.scratch_size;
  return SCRATCH_SIZE + SCRATCH_BITMAPS * words * 8;
}

/** A row of the map `rows`: where there are several words, `only` stands behind them. */
export function toRow(bits: Bits, only: number): Uint8Array {
  const words = bits.length / 8;
  const row = new Uint8Array(rowBytes(words));
  row.set(bits);
  if (words > 1) new DataView(row.buffer).setUint32(words * 8, only, true);
  return row;
}

/** The number of the only word that has a bit, or enums.only_word.WORD_SEVERAL, or enums.only_word.WORD_NONE. */
export function onlyWord(bits: Bits): number {
  const first = bits.findIndex((byte) => byte !== 0);
  if (first === -1) return enums.only_word.WORD_NONE;
  const last = bits.findLastIndex((byte) => byte !== 0);
  return first >> 3 === last >> 3 ? first >> 3 : enums.only_word.WORD_SEVERAL;
}
