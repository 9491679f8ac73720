import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import type { Policy } from "../parse-object.ts";
import { anExecPolicy, lowered } from "../testing/a-policy.ts";
import { lower } from "./index.ts";

/** Rego is tested over the same cases: rego/guardrails/translation_test.rego. */
const file = new URL("../../rego/testdata/translations.json", import.meta.url);
const { translations } = JSON.parse(await readFile(file, "utf8")) as {
  translations: readonly { name: string; policy: Policy; scope: unknown; mode: string }[];
};

for (const { name, policy, scope, mode } of translations) {
  test(`lower: ${name}`, () => {
    const isTracing = policy.kind.startsWith("TracingPolicy");
    const kprobes = isTracing ? { kprobes: [{ call: "fd_install", syscall: false }] } : {};
    const result = lower({ ...policy, spec: { ...policy.spec, ...kprobes } } as Policy);
    assert.ok(result.ok);
    assert.deepEqual([result.value.scope, result.value.mode], [scope, mode]);
  });
}

const everywhere = { host: true, pods: {} };
const pids = (operator: string, values: readonly number[], isNamespacePID: boolean) => ({
  matchPIDs: [{ operator, values, isNamespacePID }],
});
const kill = { matchActions: [{ action: "Sigkill" }] };
const byPid: readonly { name: string; items: readonly object[]; want: object }[] = [
  { name: "no condition: everywhere", items: [kill], want: everywhere },
  {
    name: "no process of the host's pid namespace: pods alone",
    items: [pids("NotIn", [0], true), kill],
    want: { host: false, pods: {} },
  },
  {
    name: "not pid 0, which no process has: everywhere",
    items: [pids("NotIn", [0], false), kill],
    want: everywhere,
  },
  {
    name: "processes of the host's pid namespace: everywhere",
    items: [pids("In", [0], true), kill],
    want: everywhere,
  },
  {
    name: "not the first process of a container: everywhere",
    items: [pids("NotIn", [1], true), kill],
    want: everywhere,
  },
];
for (const { name, items, want } of byPid) {
  test(`lower scopes an ExecPolicy for ${name}`, () => {
    assert.deepEqual(lowered(anExecPolicy(items)).scope, want);
  });
}

test("lower keeps a pod selector beside pids that exclude the host", () => {
  const items = [pids("NotIn", [0], true), kill];
  const spec = { podSelector: { matchLabels: { app: "web" } } };
  const want = { host: false, pods: { labels: { matchLabels: { app: "web" } } } };
  assert.deepEqual(lowered(anExecPolicy(items, spec)).scope, want);
});
