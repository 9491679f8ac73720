import assert from "node:assert/strict";
import { test } from "node:test";
import { atomicList, bool, int32, literal, object, oneOf, tagged, text } from "./dsl.ts";
import type { Shape } from "./shape.ts";

const plain = (schema: object) => JSON.parse(JSON.stringify(schema)) as Shape;

test("a union is for an API server one object that takes what each member takes", () => {
  const dog = object({
    kind: literal("dog"),
    op: oneOf(["barks", "bites"]),
    ages: atomicList(int32({ minimum: 1, maximum: 20 })),
    leash: int32({ minimum: 1, maximum: 5 }),
  });
  const cat = object({
    kind: literal("cat"),
    op: oneOf(["bites", "sleeps"]),
    ages: atomicList(text()),
    leash: int32({ minimum: 0 }),
    indoors: bool(),
  });
  assert.deepEqual(plain(tagged("kind", [dog, cat])), {
    type: "object",
    required: ["kind", "op", "ages", "leash"],
    properties: {
      kind: { type: "string", enum: ["dog", "cat"] },
      op: { type: "string", enum: ["barks", "bites", "sleeps"] },
      ages: {
        type: "array",
        items: {
          "x-kubernetes-int-or-string": true,
          anyOf: [{ type: "integer" }, { type: "string" }],
        },
        "x-kubernetes-list-type": "atomic",
      },
      leash: { type: "integer", format: "int32", minimum: 0 },
      indoors: { type: "boolean" },
    },
  });
});

test("a union whose members no schema takes is an error, and says of which field", () => {
  const yes = object({ kind: literal("yes"), value: bool() });
  const no = object({ kind: literal("no"), value: text() });
  const message = 'value: no schema takes both {"type":"boolean"} and {"type":"string"}';
  assert.throws(() => tagged("kind", [yes, no]), { message });
});
