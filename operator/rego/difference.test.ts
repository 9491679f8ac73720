import assert from "node:assert/strict";
import { test } from "node:test";
import type { SelectorSet } from "@guardbee/policy";
import { compareSets, formatDifference } from "./difference.ts";

function aSet(name: string, change: Partial<SelectorSet> = {}): SelectorSet {
  const on = { kind: "kprobe", call: "fd_install", syscall: false } as const;
  return {
    policy: { kind: "TracingPolicyNamespaced", namespace: "shop", name },
    mode: "enforce",
    scope: { host: false, pods: { namespaces: ["shop"] } },
    hooks: [{ on, args: [], selectors: [] }],
    ...change,
  };
}

test("what is new, changed, removed and the same is told apart, with what changed", () => {
  const inForce = [aSet("same"), aSet("gone"), aSet("b"), aSet("a")];
  const [hook] = aSet("").hooks;
  const next = [
    aSet("same"),
    aSet("b", { mode: "monitor", hooks: [hook!, hook!] }),
    aSet("a", { scope: { host: false, pods: {} } }),
    aSet("fresh"),
    aSet("fresh", { policy: { kind: "TracingPolicy", name: "fresh" } }),
  ];
  const difference = compareSets(inForce, next);
  assert.equal(
    formatDifference(difference),
    `+ TracingPolicy fresh: 1 rule
+ TracingPolicyNamespaced shop/fresh: 1 rule
~ TracingPolicyNamespaced shop/a: 1 rule, other scope
~ TracingPolicyNamespaced shop/b: 2 rules, other mode, hooks
- TracingPolicyNamespaced shop/gone: 1 rule
2 new, 2 changed, 1 removed, 1 the same
`,
  );
  assert.deepEqual(difference.removed, [
    { kind: "TracingPolicyNamespaced", namespace: "shop", name: "gone", rules: 1 },
  ]);
});

test("nothing is in force yet: all is new", () => {
  assert.deepEqual(compareSets([], [aSet("a")]), {
    new: [{ kind: "TracingPolicyNamespaced", namespace: "shop", name: "a", rules: 1 }],
    ...{ changed: [], removed: [], same: 0 },
  });
});
