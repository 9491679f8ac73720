import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hashSets, namespaceOfSet, nodeDigest, setName } from "./identity.ts";
import { aKprobePolicy, lowered } from "./testing/a-policy.ts";

const match = (index: number, values: string[]) => ({ index, operator: "Equal", values });
const args = [0, 1].map((index) => ({ index, type: "int" }));

test("hashSets is the same for policies that differ only in the order of values and conditions", () => {
  const hashOf = (matchArgs: object[]) =>
    hashSets([lowered(aKprobePolicy({ args, selectors: [{ matchArgs }] }))]);
  fc.assert(
    fc.property(
      fc.shuffledSubarray(["1", "2", "3"], { minLength: 3 }),
      fc.boolean(),
      (values, swap) => {
        const conditions = [match(0, [...values, "0x1"]), match(1, ["7"])];
        const given = swap ? conditions.reverse() : conditions;
        assert.equal(hashOf(given), hashOf([match(0, ["1", "2", "3"]), match(1, ["7"])]));
      },
    ),
  );
});

test("hashSets differs where selectors or actions are in another order", () => {
  const first = { matchArgs: [match(0, ["1"])] };
  const second = { matchActions: [{ action: "NoPost" }] };
  const hashOf = (selectors: object[]) => hashSets([lowered(aKprobePolicy({ args, selectors }))]);
  assert.notEqual(hashOf([first, second]), hashOf([second, first]));
});

test("setName holds kind, namespace and name", () => {
  assert.equal(setName({ kind: "TracingPolicy", name: "a.b" }), "tracingpolicy.a.b");
  assert.equal(
    setName({ kind: "ExecPolicyNamespaced", namespace: "shop", name: "a" }),
    "execpolicynamespaced.shop.a",
  );
});

test("setName cuts what is too long and keeps names apart", () => {
  const name = "a".repeat(250);
  const names = ["x", "y"].map((end) => setName({ kind: "TracingPolicy", name: name + end }));
  assert.deepEqual(
    names.map(({ length }) => length),
    [253, 253],
  );
  assert.notEqual(names[0], names[1]);
});

test("namespaceOfSet is what setName was given, also of a name that was cut", () => {
  const name = "a.b".repeat(83);
  const namespaceOf = (kind: string, namespace?: string) =>
    namespaceOfSet(setName({ kind, name, ...(namespace === undefined ? {} : { namespace }) }));
  assert.equal(namespaceOf("TracingPolicy"), undefined);
  assert.equal(namespaceOf("RegoPolicyNamespaced", "shop"), "shop");
});

test("nodeDigest does not depend on order, and does on each name and hash", () => {
  const a = { name: "a", hash: "1" };
  const b = { name: "b", hash: "2" };
  assert.equal(nodeDigest([a, b]), nodeDigest([b, a]));
  assert.notEqual(nodeDigest([a, b]), nodeDigest([a]));
  assert.notEqual(nodeDigest([a, b]), nodeDigest([a, { ...b, hash: "3" }]));
});
