import assert from "node:assert/strict";
import { test } from "node:test";
import { parseScope } from "./parse-scope.ts";

test("a scope comes out in canonical order", () => {
  const labels = {
    matchExpressions: [
      { key: "b", operator: "In", values: ["2", "1", "2"] },
      { key: "a", operator: "Exists" },
    ],
    matchLabels: { z: "1", y: "2" },
  };
  const parsed = parseScope({ host: true, pods: { namespaces: ["b", "a"], labels } });
  assert.equal(
    JSON.stringify(parsed),
    JSON.stringify({
      ok: true,
      value: {
        host: true,
        pods: {
          namespaces: ["a", "b"],
          labels: {
            matchLabels: { y: "2", z: "1" },
            matchExpressions: [
              { key: "a", operator: "Exists" },
              { key: "b", operator: "In", values: ["1", "2"] },
            ],
          },
        },
      },
    }),
  );
});

const invalid: readonly { name: string; raw: unknown; want: string }[] = [
  { name: "no object", raw: 1, want: "scope is not {host: boolean, pods?: ...}" },
  {
    name: "pods that are no object",
    raw: { host: true, pods: 1 },
    want: "scope.pods is not an object",
  },
  {
    name: "more than a scope may have",
    raw: { host: true, node: 1 },
    want: "scope.node is unknown",
  },
  {
    name: "an unknown selector operator",
    raw: { host: false, pods: { labels: { matchExpressions: [{ key: "a", operator: "Gt" }] } } },
    want: "scope.pods.labels.matchExpressions[0].operator is Gt",
  },
  {
    name: "a label that is no text",
    raw: { host: false, pods: { labels: { matchLabels: { a: 1 } } } },
    want: "scope.pods.labels.matchLabels[a] is not text",
  },
  {
    name: "a namespace that is no text",
    raw: { host: false, pods: { namespaces: [1] } },
    want: "scope.pods.namespaces is not a list of text",
  },
];
for (const { name, raw, want } of invalid) {
  test(`a scope is not taken: ${name}`, () => {
    const parsed = parseScope(raw);
    assert.ok(!parsed.ok);
    assert.equal(parsed.problems.map(({ field, what }) => `${field} ${what}`).join(), want);
  });
}
