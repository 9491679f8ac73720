import { enums } from "../../gen/layout.ts";
import type { Asked } from "../dims.ts";
import type { Dimension, DimensionTables } from "./compiler.ts";

const { MASK_DIGITS, MASK_LISTS_MAX, MASK_LIST_ROWS } = enums.mask_limit;

/**
 * Tests of bits: for each hexadecimal digit of a number and each of its values, a row of the selectors
 * that ask for a bit which is set there. So the rows of 16 digits say it, whatever masks there are. A
 * selector with several masks asks in a list each.
 */
export function maskTables(
  { where, symbol }: Dimension,
  asked: readonly Asked<bigint>[],
): DimensionTables {
  const masks = new Map(asked.map(({ bit, conditions }) => [bit, conditions]));
  const lists = Math.max(...asked.map(({ conditions }) => conditions.length));
  if (lists > MASK_LISTS_MAX) {
    throw new RangeError(
      `${symbol}: a selector tests the bits of one argument ${lists} times; the engine takes ${MASK_LISTS_MAX}`,
    );
  }
  const rowsOf = (list: number) =>
    Array.from({ length: MASK_LIST_ROWS }, (_, row) =>
      where((bit) => {
        const mask = masks.get(bit)?.[list];
        if (row === 0) return mask === undefined;
        if (mask === undefined) return false;
        const [digit, value] = [Math.floor((row - 1) / 16), (row - 1) % 16];
        return ((mask >> BigInt(4 * digit)) & BigInt(value)) !== 0n;
      }),
    );
  const absent = where((bit) => !masks.has(bit));
  const digits = Array.from({ length: MASK_DIGITS }, (_, digit) =>
    asked.some(({ conditions }) => conditions.some((mask) => digitOf(mask, digit) !== 0n))
      ? 1 << digit
      : 0,
  );
  return {
    ...{ otherwise: absent, absent },
    rows: Array.from({ length: lists }, (_, list) => rowsOf(list)).flat(),
    count: (lists << MASK_DIGITS) | digits.reduce((all, digit) => all | digit),
  };
}

function digitOf(mask: bigint, digit: number): bigint {
  return (mask >> BigInt(4 * digit)) & 0xfn;
}
