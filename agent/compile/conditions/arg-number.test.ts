import assert from "node:assert/strict";
import { test } from "node:test";
import type { Arg, Condition } from "@guardbee/policy";
import {
  compiled,
  entriesOf,
  facetsOf,
  headOf,
  mapRowsOf,
  rowsOf,
  when,
} from "../testing/compiled.ts";

const size: Arg = { index: 2, type: "int64" };
type Op = "Equal" | "GT" | "LT" | "InRange" | "NotInRange" | "InMap" | "Mask";
const arg = (op: Op, ...values: readonly string[]): Condition => ({
  by: "arg",
  arg: 0,
  op,
  values,
});

test("spans cut the numbers into intervals, negative ones above the others", () => {
  const tables = compiled(
    [size],
    [
      when(arg("InRange", "5:9", "20:29")),
      when(arg("NotInRange", "-2:6")),
      when(arg("GT", "8"), arg("LT", "25")),
      when(),
    ],
  );
  assert.deepEqual(facetsOf(tables), ["FACET_ARG_RANGE"]);
  const { base } = headOf(tables).facets[0]!;
  const starts = tables.starts.map((bytes) => Buffer.from(bytes).readBigInt64LE()).slice(base);
  const intervals = mapRowsOf(tables, "FACET_ARG_RANGE").map((row, i) => [starts[i], row]);
  assert.deepEqual(intervals, [
    [0n, "3"],
    [5n, "0 3"],
    [7n, "0 1 3"],
    [9n, "0 1 2 3"],
    [10n, "1 2 3"],
    [20n, "0 1 2 3"],
    [25n, "0 1 3"],
    [30n, "1 3"],
    [-(2n ** 63n), "1 3"],
    [-2n, "3"],
  ]);
});

test("a map of single numbers is looked up as equal ones are", () => {
  const tables = compiled([size], [when(arg("InMap", "3", "5")), when(arg("Equal", "5"))]);
  assert.deepEqual(facetsOf(tables), ["FACET_ARG_NUMBER"]);
  assert.deepEqual(entriesOf(tables), { "0 = 3": "0", "0 = 5": "0 1" });
  assert.deepEqual(tables.starts, []);
});

test("a mask is asked for by digit, a second one of a selector in a second list", () => {
  const masks = [when(arg("Mask", "1", "0x80")), when(arg("Mask", "2"), arg("Mask", "4")), when()];
  const tables = compiled([size], masks);
  assert.deepEqual(facetsOf(tables), ["FACET_ARG_MASK"]);
  assert.deepEqual(rowsOf(tables, "FACET_ARG_MASK"), {
    ...{ otherwise: "2", absent: "2", unequal: "" },
  });
  const { base, count } = headOf(tables).facets[0]!;
  assert.equal(count, (2 << 16) | 0b11);
  const row = (list: number, digit: number, value: number) =>
    tables.rows[base + list * 257 + 1 + 16 * digit + value]!;
  const asking = (list: number, digit: number) =>
    [1, 2, 4, 8].map((value) => Buffer.from(row(list, digit, value)).readUInt8());
  assert.deepEqual(
    [tables.rows[base]![0], tables.rows[base + 257]![0]],
    [0b100, 0b101],
    "those that have none",
  );
  assert.deepEqual(asking(0, 0), [0b01, 0b10, 0, 0]);
  assert.deepEqual(asking(0, 1), [0, 0, 0, 0b01]);
  assert.deepEqual(asking(1, 0), [0, 0, 0b10, 0]);
  assert.equal(row(0, 0, 15)[0], 0b11);
});
