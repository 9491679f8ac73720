import assert from "node:assert/strict";
import { test } from "node:test";
import { lostDigits } from "./lost-digits.ts";
import { parseRegoPolicy } from "./parse-object.ts";
import { formatProblem } from "./problem.ts";

const aPolicy = (data: unknown) => ({
  apiVersion: "guardbee.io/v1alpha1",
  kind: "RegoPolicy",
  metadata: { name: "a" },
  spec: { role: "Generate", modules: [{ name: "a.rego", rego: "package a" }], data },
});

test("a whole number beyond 2^53 in spec.data is refused where it is", () => {
  const data = JSON.parse('{"a": [1, {"b": 9007199254740993}], "c": 18446744073709551615}');
  const parsed = parseRegoPolicy(aPolicy(data));
  assert.ok(!parsed.ok);
  assert.deepEqual(
    parsed.problems.map((one) => formatProblem(one)),
    [
      "spec.data.a[1].b: is read as 9007199254740992: of whole numbers beyond 2^53 the last digits are lost; write it as text, and to_number in the Rego",
      "spec.data.c: is read as 18446744073709552000: of whole numbers beyond 2^53 the last digits are lost; write it as text, and to_number in the Rego",
    ],
  );
});

test("other numbers are taken", () => {
  const data = { a: 4294967296, b: -1.5, c: Number.MAX_SAFE_INTEGER, d: "18446744073709551615" };
  assert.ok(parseRegoPolicy(aPolicy(data)).ok);
});

test("what JSON has no number for is told, at most five times", () => {
  assert.deepEqual(
    lostDigits([Number.POSITIVE_INFINITY, ...Array(9).fill(2 ** 60)], "data").map(
      (one) => one.field,
    ),
    ["data[0]", "data[1]", "data[2]", "data[3]", "data[4]"],
  );
});
