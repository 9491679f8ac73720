import assert from "node:assert/strict";
import { test } from "node:test";
import { isTooDeep, maxDepth } from "./depth.ts";
import { parsePolicyObject, parseRegoPolicy } from "./parse-object.ts";
import { aTracingPolicy } from "./testing/a-policy.ts";

function nested(levels: number): unknown {
  let value: unknown = null;
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? { a: value } : [value];
  return value;
}

test("what is nested deeper than the bound is found, however deep, and without a call a level", () => {
  assert.equal(isTooDeep(nested(maxDepth)), false);
  assert.equal(isTooDeep(nested(maxDepth + 1)), true);
  assert.equal(isTooDeep(nested(1_000_000)), true);
});

test("data of a RegoPolicy that nobody could compare is refused", () => {
  const policy = (levels: number) => ({
    apiVersion: "guardbee.io/v1alpha1",
    kind: "RegoPolicy",
    metadata: { name: "p" },
    spec: {
      role: "Generate",
      modules: [{ name: "a.rego", rego: "package a" }],
      data: { a: nested(levels) },
    },
  });
  assert.equal(parseRegoPolicy(policy(maxDepth - 1)).ok, true);
  const parsed = parseRegoPolicy(policy(9_990));
  assert.deepEqual(!parsed.ok && parsed.problems, [
    {
      field: "spec.data",
      what: "is nested deeper than 256 levels",
      fix: "write it flatter",
      kind: "invalid",
    },
  ]);
});

test("a note of kubectl that is nested so deep is refused, and nothing throws", () => {
  const key = "kubectl.kubernetes.io/last-applied-configuration";
  const text = `{"spec":${'{"podSelector":'.repeat(16_000)}null${"}".repeat(16_001)}`;
  const metadata = { name: "p", annotations: { [key]: text } };
  const parsed = parsePolicyObject({ ...aTracingPolicy({}), metadata });
  assert.deepEqual(!parsed.ok && parsed.problems, [
    {
      field: `metadata.annotations[${key}]`,
      what: "is nested deeper than 256 levels",
      fix: "remove it, and apply the file again",
      kind: "invalid",
    },
  ]);
});
