import assert from "node:assert/strict";
import { test } from "node:test";
import type { Hook, Selector, SelectorSet } from "@guardbee/policy";
import { actsDifferently, diffSets, type SetDiff } from "./set-diff.ts";

const prefix = (path: string, action: "Sigkill" | "Post" = "Sigkill"): Selector => ({
  conditions: [{ by: "arg", arg: 0, op: "Prefix", values: [path] }],
  actions: [{ action }],
});
const aHook = (...selectors: Selector[]): Hook => ({
  on: { kind: "kprobe", call: "fd_install", syscall: false },
  args: [{ index: 1, type: "file" }],
  selectors,
});
const aSet = (change: Partial<SelectorSet>): SelectorSet => ({
  policy: { kind: "TracingPolicy", name: "p" },
  mode: "enforce",
  scope: { host: true, pods: {} },
  hooks: [aHook(prefix("/a"), prefix("/b"))],
  ...change,
});
const hook = "fd_install";
const same: SetDiff = { selectors: [], unchanged: 2, reordered: false };

const cases: readonly { name: string; after: SelectorSet; want: SetDiff }[] = [
  { name: "nothing", after: aSet({}), want: same },
  {
    name: "mode, scope and nodes",
    after: aSet({
      mode: "monitor",
      scope: { host: false, pods: { namespaces: ["shop"] } },
      nodes: { matchLabels: { pool: "edge" } },
    }),
    want: {
      ...same,
      mode: { before: "enforce", after: "monitor" },
      scope: { before: "host processes, every pod", after: "pods in shop" },
      nodes: { before: "every node", after: "nodes with pool=edge" },
    },
  },
  {
    name: "a selector more",
    after: aSet({ hooks: [aHook(prefix("/a"), prefix("/new"), prefix("/b"))] }),
    want: {
      ...same,
      selectors: [{ change: "new", hook, after: "args[1] Prefix /new: Sigkill" }],
    },
  },
  {
    name: "a selector less",
    after: aSet({ hooks: [aHook(prefix("/b"))] }),
    want: {
      ...same,
      unchanged: 1,
      selectors: [{ change: "removed", hook, before: "args[1] Prefix /a: Sigkill" }],
    },
  },
  {
    name: "an action",
    after: aSet({ hooks: [aHook(prefix("/a", "Post"), prefix("/b"))] }),
    want: {
      ...same,
      unchanged: 1,
      selectors: [
        {
          ...{ change: "changed", hook },
          before: "args[1] Prefix /a: Sigkill",
          after: "args[1] Prefix /a: Post",
        },
      ],
    },
  },
  {
    name: "the order, in which the first wins",
    after: aSet({ hooks: [aHook(prefix("/b"), prefix("/a"))] }),
    want: { ...same, reordered: true },
  },
  {
    name: "the call",
    after: aSet({ hooks: [{ ...aHook(prefix("/a")), on: { kind: "exec" } }] }),
    want: {
      ...{ unchanged: 0, reordered: false },
      selectors: [
        { change: "removed", hook, before: "args[1] Prefix /a: Sigkill" },
        { change: "removed", hook, before: "args[1] Prefix /b: Sigkill" },
        { change: "new", hook: "exec", after: "args[1] Prefix /a: Sigkill" },
      ],
    },
  },
  {
    name: "all selectors, so that every call is reported",
    after: aSet({ hooks: [aHook()] }),
    want: {
      ...{ unchanged: 0, reordered: false },
      selectors: [
        {
          ...{ change: "changed", hook },
          before: "args[1] Prefix /a: Sigkill",
          after: "always: Post",
        },
        { change: "removed", hook, before: "args[1] Prefix /b: Sigkill" },
      ],
    },
  },
  {
    name: "the message",
    after: aSet({ hooks: [{ ...aHook(prefix("/a")), message: "no", tags: ["t"] }] }),
    want: {
      ...{ unchanged: 0, reordered: false },
      selectors: [
        {
          ...{ change: "changed", hook },
          before: "args[1] Prefix /a: Sigkill",
          after: "args[1] Prefix /a: Sigkill (no #t)",
        },
        { change: "removed", hook, before: "args[1] Prefix /b: Sigkill" },
      ],
    },
  },
];
for (const { name, after, want } of cases) {
  test(`diffSets when ${name} changes`, () => {
    assert.deepEqual(diffSets(aSet({}), after), want);
  });
}

test("without a set before, everything is new", () => {
  const { selectors, mode, scope, unchanged } = diffSets(undefined, aSet({}));
  assert.deepEqual([mode, scope, unchanged], [undefined, undefined, 0]);
  assert.deepEqual(
    selectors.map(({ change }) => change),
    ["new", "new"],
  );
});

test("a set acts differently when its mode, calls, selectors or their order change", () => {
  const differs = (change: Partial<SelectorSet>) => actsDifferently(aSet({}), aSet(change));
  assert.equal(differs({ scope: { host: true } }), false);
  assert.equal(differs({ mode: "monitor" }), true);
  assert.equal(differs({ hooks: [aHook(prefix("/b"), prefix("/a"))] }), true);
});
