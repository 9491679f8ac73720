import assert from "node:assert/strict";
import { test } from "node:test";
import { aSet, left, onWrite, pointOf } from "../compile/testing/compiled.ts";
import { ClassRows } from "./class-rows.ts";
import type { Held } from "./held.ts";

const host = new Set<string>();

/** The rows of an attach point for the sets `a` and `b`, and what is written of them. */
function onTables({ fails }: { readonly fails: () => boolean } = { fails: () => false }) {
  const point = pointOf(aSet("a", onWrite([])), aSet("b", onWrite([])));
  const written: string[] = [];
  const writeClassRow = (slot: number, number: number, row: Uint8Array) => {
    assert.equal(slot, 1);
    if (fails()) throw new Error("no memory");
    written.push(`${number}: ${left(row)}`);
  };
  const held = { point, tables: { words: 1 }, program: { writeClassRow } } as unknown as Held;
  const update = (rows: ClassRows, ...classes: readonly (readonly string[])[]) => {
    written.length = 0;
    rows.update([host, ...classes.map((names) => new Set(names))], [held], 1);
    return [...written];
  };
  return { update };
}

test("only rows of classes that are new or have other sets are written, and not the host's", () => {
  const { update } = onTables();
  const rows = new ClassRows();
  rows.wrote([host, new Set(["a"]), new Set(["b"])]);
  assert.deepEqual(update(rows, ["a"], ["b"], ["a", "b"]), ["3: 0 1"]);
  assert.deepEqual(update(rows, ["a"], ["b"], ["a", "b"]), []);
  assert.deepEqual(update(rows, [], ["b"], ["a", "b"]), ["1: "]);
});

test("a number that was free in between has the sets that it had, until others are written", () => {
  const { update } = onTables();
  const rows = new ClassRows();
  rows.wrote([host, new Set(), new Set(["a"])]);
  assert.deepEqual(update(rows, []), []);
  assert.deepEqual([...rows.moved([host, new Set()])!], ["a"]);
  assert.deepEqual(update(rows, [], ["a"]), []);
  assert.deepEqual(update(rows, []), []);
  assert.deepEqual(update(rows, [], ["b"]), ["2: 1"]);
});

test("what could not be written is written the next time, with all that is not known then", () => {
  let full = true;
  const { update } = onTables({ fails: () => full });
  const rows = new ClassRows();
  rows.wrote([host, new Set()]);
  assert.throws(() => update(rows, [], ["a"]), /no memory/);
  assert.equal(rows.moved([host, new Set()]), undefined);
  full = false;
  assert.deepEqual(update(rows, [], ["a"]), ["1: ", "2: 0"]);
});

test("sets that hold in other classes than the rows say are told", () => {
  const rows = new ClassRows();
  assert.equal(rows.moved([host]), undefined);
  rows.wrote([host, new Set(), new Set(["a", "b"])]);
  const moved = (...classes: readonly string[][]) =>
    [...rows.moved(classes.map((names) => new Set(names)))!].sort();
  assert.deepEqual(moved([], [], ["b", "a"]), []);
  assert.deepEqual(moved([], [], ["b"], ["c"]), ["a", "c"]);
  assert.deepEqual(moved(["c"]), ["a", "b", "c"]);
});
