import assert from "node:assert/strict";
import { test } from "node:test";
import { Stops } from "./stops.ts";

test("stops are told in steps, for each content of an object", () => {
  let steps = 0;
  const stops = new Stops(() => steps++);
  const told: number[] = [];
  for (let i = 0; i < 120; i++) {
    stops.add({ name: "a", hash: "1" });
    const count = stops.of("a", "1");
    if (told.at(-1) !== count) told.push(count);
  }
  assert.deepEqual(told, [1, 2, 5, 10, 20, 50, 100]);
  assert.equal(steps, told.length);
  assert.equal(stops.of("a", "2"), 0);
  stops.add({ name: "a", hash: "2" });
  assert.deepEqual([stops.of("a", "2"), stops.of("a", "1"), stops.of("b", "1")], [1, 0, 0]);
});

test("the sets of one object count together", () => {
  const stops = new Stops(() => {});
  stops.add({ name: "regopolicy.x#tracingpolicy.p", hash: "1" });
  stops.add({ name: "regopolicy.x#tracingpolicy.q", hash: "1" });
  assert.equal(stops.of("regopolicy.x", "1"), 2);
});
