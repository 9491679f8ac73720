import assert from "node:assert/strict";
import { test } from "node:test";
import { SharedTexts } from "./shared-texts.ts";

test("equal lists are one list, and others stay as they are", () => {
  const shared = new SharedTexts();
  const first = shared.list(["a", "b"]);
  assert.equal(shared.list(["a", "b"]), first);
  assert.deepEqual(shared.list(["a", "c"]), ["a", "c"]);
  assert.deepEqual(shared.list([]), []);
});

test("a text is cut to its limit, with a sign that it is", () => {
  const shared = new SharedTexts();
  assert.equal(shared.text("12345", 5), "12345");
  assert.equal(shared.text("123456", 5), "1234…");
});

test("a list that was not seen for long is given back as it came", () => {
  const shared = new SharedTexts();
  const first = shared.list(["first"]);
  for (let i = 0; i < 2_000; i++) shared.list([`other-${i}`]);
  const again = shared.list(["first"]);
  assert.deepEqual(again, first);
  assert.notEqual(again, first);
});
