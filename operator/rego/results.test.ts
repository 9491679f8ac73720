import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem, lower, parsePolicyObject } from "@guardbee/policy";
import fc from "fast-check";
import { readResults } from "./results.ts";

const kprobes = [{ call: "fd_install", syscall: false }];
const aPolicy = (metadata: object, spec: object = {}, kind = "TracingPolicy") => ({
  ...{ kind, metadata },
  spec: { kprobes, ...spec },
});
const read = (value: unknown, generator: object = {}) =>
  readResults([{ of: "policies", value }], { name: "gen", ...generator });

test("results are sorted, identical ones are one, and what has no name gets one that lasts", () => {
  const unnamed = aPolicy({}, { podSelector: {} });
  const first = read([
    aPolicy({ name: "b" }),
    unnamed,
    aPolicy({ name: "a" }),
    aPolicy({ name: "b" }),
  ]);
  const again = read([unnamed, aPolicy({ name: "a" }), aPolicy({ name: "b" })]);
  assert.ok(first.ok);
  assert.deepEqual(first, again);
  const names = first.value.map(({ metadata }) => metadata.name);
  assert.deepEqual(names.slice(0, 2), ["a", "b"]);
  assert.match(names[2] ?? "", /^gen-[0-9a-f]{10}$/);
});

test("the RegoPolicy's nodeSelector goes into each result", () => {
  const nodeSelector = { matchLabels: { zone: "edge" } };
  const result = read([aPolicy({ name: "a" })], { nodeSelector });
  assert.ok(result.ok);
  assert.deepEqual(result.value[0]?.spec.nodeSelector, nodeSelector);
});

const refused: readonly { name: string; value: unknown; generator?: object; want: string }[] = [
  {
    name: "no list",
    value: { a: 1 },
    want: "policies: is no list of policies; return a list or set of policies",
  },
  {
    name: "text instead of a policy",
    value: ["x"],
    want: "policies[0]: is no policy; return objects with kind, metadata and spec",
  },
  {
    name: "one name with two contents",
    value: [aPolicy({ name: "a" }), aPolicy({ name: "a" }, { podSelector: {} })],
    want: "policies[1].metadata.name: is a second TracingPolicy a with another content; give each policy a name of its own",
  },
  {
    name: "a nodeSelector of its own",
    value: [aPolicy({ name: "a" }, { nodeSelector: {} })],
    want: "policies[0].spec.nodeSelector: is given in a generated policy; write spec.nodeSelector of the RegoPolicy: all that it generates goes to its nodes",
  },
  {
    name: "another namespace than the generator's",
    value: [aPolicy({ name: "a", namespace: "other" })],
    generator: { namespace: "shop" },
    want: "policies[0].metadata.namespace: is another namespace; remove it: what this policy generates holds in shop",
  },
  {
    name: "a host scope from a namespaced generator",
    value: [aPolicy({ name: "a" }, { hostSelector: {} })],
    generator: { namespace: "shop" },
    want: "policies[0].spec.hostSelector: is given; remove it: what a RegoPolicyNamespaced generates holds for its namespace's pods",
  },
];
for (const { name, value, generator, want } of refused) {
  test(`readResults refuses ${name}`, () => {
    const result = read(value, generator);
    assert.ok(!result.ok);
    assert.deepEqual(result.problems.map(formatProblem), [want]);
  });
}

test("whatever a namespaced generator returns holds for pods of its namespace, or is refused", () => {
  const text = fc.constantFrom("shop", "other", "a");
  const key = fc.constantFrom("k8s:io.kubernetes.pod.namespace", "app");
  const selector = fc.record({ matchLabels: fc.dictionary(key, text, { noNullPrototype: true }) });
  const policy = fc.record({
    kind: fc.constantFrom(
      ...["TracingPolicy", "TracingPolicyNamespaced", "ExecPolicy", "ExecPolicyNamespaced"],
    ),
    metadata: fc.record({ name: text, namespace: text }, { requiredKeys: ["name"] }),
    spec: fc.record(
      {
        podSelector: selector,
        hostSelector: fc.constant({}),
        containerSelector: fc.constant({}),
        kprobes: fc.constant(kprobes),
      },
      { requiredKeys: ["kprobes"] },
    ),
  });
  let held = 0;
  fc.assert(
    fc.property(policy, (one) => {
      const result = read([one], { namespace: "shop" });
      for (const object of result.ok ? result.value : []) {
        const parsed = parsePolicyObject(object);
        const lowered = parsed.ok ? lower(parsed.value) : parsed;
        if (!lowered.ok) continue;
        held++;
        assert.equal(lowered.value.scope.host, false);
        assert.deepEqual(lowered.value.scope.pods?.namespaces, ["shop"]);
        assert.equal(lowered.value.policy.namespace, "shop");
      }
    }),
    { numRuns: 500 },
  );
  assert.ok(held > 0, `${held} were held`);
});
