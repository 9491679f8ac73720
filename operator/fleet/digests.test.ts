import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeDigest } from "@guardbee/policy";
import { Digests } from "./digests.ts";

const digestOf = (sets: Record<string, string>) =>
  nodeDigest(Object.entries(sets).map(([name, hash]) => ({ name, hash })));
const mapOf = (sets: Record<string, string>) => new Map(Object.entries(sets));

test("the digest of what is expected stands for it", () => {
  const expected = mapOf({ a: "1", b: "2" });
  assert.deepEqual(
    new Digests().read(digestOf({ b: "2", a: "1" }), () => expected, []),
    expected,
  );
});

test("a node with exceptions holds the rest", () => {
  const expected = mapOf({ a: "1", b: "2" });
  const holds = new Digests().read(digestOf({ a: "1" }), () => expected, [{ set: "b" }]);
  assert.deepEqual(holds, mapOf({ a: "1" }));
});

test("a node that holds the version before of an exception holds the rest", () => {
  const expected = mapOf({ a: "1", b: "2" });
  const exceptions = [{ set: "b", holds: "1" }];
  const holds = new Digests().read(digestOf({ a: "1", b: "1" }), () => expected, exceptions);
  assert.deepEqual(holds, mapOf({ a: "1", b: "1" }));
});

test("a node that lags behind one change still holds the others", () => {
  const digests = new Digests();
  digests.expect(mapOf({ a: "1", b: "2" }));
  const holds = digests.read(digestOf({ a: "1", b: "2" }), () => mapOf({ a: "9", b: "2" }), []);
  assert.deepEqual(holds, mapOf({ a: "1", b: "2" }));
});

test("what is expected is not asked for while the digest is known", () => {
  const digests = new Digests();
  digests.expect(mapOf({ a: "1" }));
  const expected = () => assert.fail("was asked for");
  assert.deepEqual(digests.read(digestOf({ a: "1" }), expected, []), mapOf({ a: "1" }));
});

test("a digest that nobody expected is unknown", () => {
  assert.equal(
    new Digests().read("0".repeat(64), () => mapOf({ a: "1" }), []),
    undefined,
  );
});

test("the least used are forgotten", () => {
  const digests = new Digests();
  digests.expect(mapOf({ old: "1" }));
  digests.expect(mapOf({ kept: "1" }));
  for (let i = 0; i < 511; i++) {
    digests.expect(mapOf({ a: String(i) }));
    digests.read(digestOf({ kept: "1" }), () => mapOf({}), []);
  }
  assert.equal(
    digests.read(digestOf({ old: "1" }), () => mapOf({}), []),
    undefined,
  );
  assert.deepEqual(
    digests.read(digestOf({ kept: "1" }), () => mapOf({}), []),
    mapOf({ kept: "1" }),
  );
});
