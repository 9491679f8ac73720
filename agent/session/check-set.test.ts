import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import type { Hook, SelectorSet } from "@guardbee/policy";

import { checkSets } from "./check-set.ts";
import { readText } from "./policy-files.ts";

const hook: Hook = {
  on: { kind: "kprobe", call: "sys_write", syscall: true },
  args: [{ index: 0, type: "fd" }],
  selectors: [
    {
      conditions: [{ by: "arg", arg: 0, op: "Equal", values: ["1"] }],
      actions: [{ action: "Sigkill" }],
    },
  ],
};

/** A set with one hook, or with another one. */
function aSet(changes: object = {}, hookChanges: object = {}): unknown {
  const set: SelectorSet = {
    policy: { kind: "TracingPolicy", name: "a" },
    mode: "enforce",
    scope: { host: true, pods: {} },
    hooks: [{ ...hook, ...hookChanges }],
  };
  return { ...set, ...changes };
}

const rows: readonly { name: string; raw: unknown; want: string | undefined }[] = [
  { name: "a good set", raw: aSet(), want: undefined },
  { name: "nothing", raw: undefined, want: "spec.sets[0] is no mapping" },
  { name: "a list", raw: [], want: "spec.sets[0] is no mapping" },
  { name: "an unknown mode", raw: aSet({ mode: "x" }), want: 'spec.sets[0].mode is "x"' },
  {
    name: "a field of a newer operator",
    raw: aSet({ share: 10 }),
    want: "spec.sets[0].share is not known to this agent",
  },
  {
    name: "hooks that are no list",
    raw: aSet({ hooks: {} }),
    want: "spec.sets[0].hooks is no list",
  },
  {
    name: "an unknown condition",
    raw: aSet({}, { selectors: [{ conditions: [{ by: "__proto__" }], actions: [] }] }),
    want: 'spec.sets[0].hooks[0].selectors[0].conditions[0].by is "__proto__"',
  },
  {
    name: "a condition without what its kind needs",
    raw: aSet(
      {},
      { selectors: [{ conditions: [{ by: "arg", op: "Equal", values: [] }], actions: [] }] },
    ),
    want: "spec.sets[0].hooks[0].selectors[0].conditions[0].arg is no whole number",
  },
  {
    name: "an action on an argument that is not there",
    raw: aSet(
      {},
      { selectors: [{ conditions: [], actions: [{ action: "FollowFD", fd: 0, name: 1 }] }] },
    ),
    want: "spec.sets[0].hooks[0] refers to argument 1 of 1",
  },
];
for (const { name, raw, want } of rows) {
  test(`checkSets of ${name}`, () => assert.equal(checkSets([raw]), want));
}

test("checkSets of no list, of none and of one that is wrong among others", () => {
  const wrong = 'spec.sets[1].mode is "x"';
  const given = [{}, [], [aSet(), aSet({ mode: "x" })]];
  assert.deepEqual(given.map(checkSets), ["spec.sets is no list", undefined, wrong]);
});

for (const file of ["deny-tmp-forbidden-write.yaml", "exec-policy-example.yaml"]) {
  test(`the lowered ${file} is a set that the agent takes`, () => {
    const path = new URL(`../../config/examples/${file}`, import.meta.url);
    const { sets, problems } = readText(readFileSync(path, "utf8"), file);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      sets.map(({ set }) => checkSets([set])),
      [undefined],
    );
  });
}
