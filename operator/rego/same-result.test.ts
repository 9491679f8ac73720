import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { firstParting, relationOf } from "./same-result.ts";

const pairs: readonly {
  readonly name: string;
  readonly a: unknown;
  readonly b: unknown;
  readonly relation: "same" | "order" | "different";
  readonly at?: string;
}[] = [
  { name: "equal values", a: { x: [1] }, b: { x: [1] }, relation: "same" },
  {
    name: "a list in another order",
    a: { x: [1, 2] },
    b: { x: [2, 1] },
    relation: "order",
    at: ".x[0]",
  },
  { name: "lists in lists", a: [[1, 2], [3]], b: [[3], [2, 1]], relation: "order", at: "[0][0]" },
  { name: "another value", a: [{ x: 1 }], b: [{ x: "1" }], relation: "different", at: "[0].x" },
  { name: "a member less", a: [1, 2], b: [1], relation: "different", at: "[1]" },
  { name: "a member twice", a: [1, 1, 2], b: [1, 2, 2], relation: "different", at: "[1]" },
  { name: "a list and an object", a: [], b: {}, relation: "different", at: "" },
  { name: "order, and a value", a: [[1, 2], 5], b: [[2, 1], 6], relation: "different", at: "[1]" },
];
for (const { name, a, b, relation, at } of pairs) {
  test(`${name}: ${relation}`, () => {
    assert.equal(relationOf(a, b), relation);
    assert.equal(firstParting(a, b)?.at, at);
  });
}

test("what differs parts somewhere, and what is the same nowhere", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      assert.equal(firstParting(a, b) === undefined, relationOf(a, b) === "same");
      assert.equal(relationOf(a, a), "same");
      assert.equal(relationOf(b, a), relationOf(a, b));
    }),
  );
});
