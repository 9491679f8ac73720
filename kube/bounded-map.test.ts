import assert from "node:assert/strict";
import { test } from "node:test";
import { BoundedMap } from "./bounded-map.ts";

function mapOf(max: number, ...pairs: readonly [string, number][]): BoundedMap<string, number> {
  const map = new BoundedMap<string, number>(max);
  for (const [key, value] of pairs) map.set(key, value);
  return map;
}

const known = (map: BoundedMap<string, number>) => ["a", "b", "c"].map((key) => map.get(key));

test("a bounded map forgets what was set the longest ago", () => {
  assert.deepEqual(known(mapOf(2, ["a", 1], ["b", 2], ["c", 3])), [undefined, 2, 3]);
});

test("what is set again is the last to be forgotten, and has its new value", () => {
  assert.deepEqual(known(mapOf(2, ["a", 1], ["b", 2], ["a", 3], ["c", 4])), [3, undefined, 4]);
});

test("to ask for a key keeps it no longer", () => {
  const map = mapOf(2, ["a", 1], ["b", 2]);
  map.get("a");
  map.set("c", 3);
  assert.deepEqual(known(map), [undefined, 2, 3]);
});

test("a key that is deleted makes room", () => {
  const map = mapOf(2, ["a", 1], ["b", 2]);
  map.delete("b");
  map.set("c", 3);
  assert.deepEqual(known(map), [1, undefined, 3]);
});
