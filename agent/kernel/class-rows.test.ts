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
  const writeClassRow = (number: number, row: Uint8Array) => {
    if (fails()) throw new Error("no memory");
    written.push(`${number}: ${left(row)}`);
  };
  const held = { point, tables: { words: 1 }, program: { writeClassRow } } as unknown as Held;
  const update = (rows: ClassRows, ...classes: readonly (readonly string[])[]) => {
    written.length = 0;
    rows.update([host, ...classes.map((names) => new Set(names))], [held]);
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

test("a number that was free in between is written again", () => {
  const { update } = onTables();
  const rows = new ClassRows();
  rows.wrote([host, new Set(), new Set(["a"])]);
  assert.deepEqual(update(rows, []), []);
  assert.deepEqual(update(rows, [], ["a"]), ["2: 0"]);
});

test("what could not be written is written the next time", () => {
  let full = true;
  const { update } = onTables({ fails: () => full });
  const rows = new ClassRows();
  rows.wrote([host, new Set()]);
  assert.throws(() => update(rows, [], ["a"]), /no memory/);
  full = false;
  assert.deepEqual(update(rows, [], ["a"]), ["2: 0"]);
});
