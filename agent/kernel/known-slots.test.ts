import assert from "node:assert/strict";
import { test } from "node:test";
import { KnownSlots } from "./known-slots.ts";

test("what a slot is to have is found where it is, and nowhere once others may have written", () => {
  const slots = new KnownSlots<string>((a, b) => a === b);
  assert.equal(slots.find(0, "a"), "nowhere");
  slots.filled(0, "a");
  assert.equal(slots.find(1, "a"), "in the other");
  assert.equal(slots.bothHave("a"), false);
  slots.filled(1, "a");
  assert.deepEqual([slots.bothHave("a"), slots.slots()], [true, [0, 1]]);
  assert.equal(slots.find(0, "a"), "there");
  slots.distrust();
  assert.equal(slots.bothHave("a"), false);
  assert.equal(slots.find(0, "a"), "nowhere");
  assert.equal(slots.find(1, "a"), "nowhere");
});

test("a slot that was looked for and not filled has nothing, and one that ended neither", () => {
  const slots = new KnownSlots<string>((a, b) => a === b);
  for (const slot of [0, 1]) slots.filled(slot, "a");
  assert.equal(slots.find(0, "b"), "nowhere");
  assert.deepEqual([slots.of(0), slots.of(1), slots.slots()], [undefined, "a", [1]]);
  slots.end(1);
  assert.deepEqual(slots.slots(), []);
  assert.equal(slots.find(0, "a"), "nowhere");
});
