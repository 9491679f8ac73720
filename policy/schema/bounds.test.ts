import assert from "node:assert/strict";
import { test } from "node:test";
import { checkPolicies, formatCheckReport, isAccepted } from "../check.ts";
import { bounds } from "./bounds.ts";
import { policyKinds } from "./kinds.ts";
import type { Shape } from "./shape.ts";

/** Paths in a schema at which somebody could write as much as they like. */
function unbounded(schema: Shape, at: string): readonly string[] {
  const { properties = {}, additionalProperties, items, type } = schema;
  const lacks =
    (type === "array" && schema.maxItems === undefined) ||
    (type === "string" && schema.enum === undefined && schema.maxLength === undefined) ||
    (additionalProperties !== undefined && schema.maxProperties === undefined);
  return [
    ...(lacks ? [at] : []),
    ...Object.entries(properties).flatMap(([key, member]) => unbounded(member, `${at}.${key}`)),
    ...(additionalProperties ? unbounded(additionalProperties, `${at}[*]`) : []),
    ...(items ? unbounded(items, `${at}[]`) : []),
  ];
}

for (const { kind, schema } of policyKinds) {
  test(`everything in the spec of a ${kind} has a bound`, async () => {
    const { spec } = (schema as Shape).properties!;
    assert.deepEqual(unbounded(spec!, "spec"), []);
  });
}

const list = (count: number) => `[${Array.from({ length: count }, (_, i) => `"/${i}"`).join()}]`;
const many = (count: number, text: string) => Array.from({ length: count }, () => text).join("");
const header = (kind: string) =>
  `apiVersion: cilium.io/v1alpha1\nkind: ${kind}\nmetadata: { name: p }\nspec:\n`;
const binaries = (count: number) =>
  `      - matchBinaries: [{ operator: In, values: ${list(count)} }]\n`;
const hook = (selectors: string) =>
  `    - call: fd_install\n      syscall: false\n      selectors:\n${selectors}`;
const tracing = (hooks: string) => `${header("TracingPolicy")}  kprobes:\n${hooks}`;

const refused: readonly { readonly name: string; readonly text: string; readonly want: string }[] =
  [
    {
      name: "100,000 values in one list",
      text: tracing(hook(binaries(100_000))),
      want: "p.yaml:9: spec.kprobes[0].selectors[0].matchBinaries[0].values: has 100000 items; at most 10000",
    },
    {
      name: "100,000 values in fifty lists",
      text: tracing(hook(many(50, binaries(2_000)))),
      want: "p.yaml:4: spec: has 100000 values; at most 10000 in one policy: split it",
    },
    {
      name: "100,000 values of an ExecPolicy",
      text: `${header("ExecPolicy")}  rules:\n    selectors:\n      - matchBinarys: { operator: In, values: ${list(100_000)} }\n`,
      want: "p.yaml:7: spec.rules.selectors[0].matchBinarys.values: has 100000 items; at most 10000",
    },
    {
      name: "129 selectors in one hook",
      text: tracing(hook(many(129, binaries(1)))),
      want: "p.yaml:8: spec.kprobes[0].selectors: has 129 items; at most 128",
    },
    {
      name: "1,025 selectors in nine hooks",
      text: tracing(many(8, hook(many(128, binaries(1)))) + hook(binaries(1))),
      want: "p.yaml:4: spec: has 1025 selectors; at most 1024 in one policy: split it",
    },
    {
      name: "129 hooks",
      text: tracing(many(129, "    - { call: fd_install, syscall: false }\n")),
      want: "p.yaml:5: spec.kprobes: has 129 items; at most 128",
    },
    {
      name: "a value of 5,000 characters",
      text: tracing(hook(binaries(1).replace('"/0"', `"/${"a".repeat(5_000)}"`))),
      want: "p.yaml:9: spec.kprobes[0].selectors[0].matchBinaries[0].values[0]: has 5001 characters; at most 4096",
    },
    {
      name: "65 labels",
      text: `${header("TracingPolicy")}  podSelector: { matchLabels: { ${Array.from({ length: 65 }, (_, i) => `a${i}: b`).join()} } }\n  kprobes: [{ call: fd_install, syscall: false }]\n`,
      want: "p.yaml:5: spec.podSelector.matchLabels: has 65 entries; at most 64",
    },
  ];
for (const { name, text, want } of refused) {
  test(`a policy with ${name} is refused with the bound, the number and the place`, async () => {
    const report = await checkPolicies([{ file: "p.yaml", content: text }]);
    assert.equal(formatCheckReport(report).split("\n")[0], want);
    assert.equal(isAccepted(report, { strict: false }), false);
  });
}

test("a policy at every bound is taken", async () => {
  const selectors = many(bounds.hookSelectors, binaries(9));
  const policy = tracing(many(8, hook(selectors)));
  const report = await checkPolicies([{ file: "p.yaml", content: policy }]);
  assert.deepEqual(report.policies[0]?.problems, []);
  assert.equal(report.policies[0]?.hookCount, 8);
});
