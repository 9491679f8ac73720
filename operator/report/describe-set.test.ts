import assert from "node:assert/strict";
import { test } from "node:test";
import type { Scope, Selector } from "@guardbee/policy";
import { describeScope, describeSelector } from "./describe-set.ts";

const scopes: readonly { scope: Scope; want: string }[] = [
  { scope: { host: false }, want: "nothing" },
  { scope: { host: true }, want: "host processes" },
  { scope: { host: true, pods: {} }, want: "host processes, every pod" },
  {
    scope: {
      host: false,
      pods: {
        namespaces: ["a", "b"],
        labels: {
          matchLabels: { app: "web" },
          matchExpressions: [
            { key: "tier", operator: "In", values: ["x", "y"] },
            { key: "old", operator: "NotIn", values: ["z"] },
            { key: "team", operator: "Exists" },
            { key: "canary", operator: "DoesNotExist" },
          ],
        },
        containers: { matchLabels: { name: "main" } },
      },
    },
    want: "pods in a, b with app=web,tier in (x, y),old notin (z),team,!canary, containers with name=main",
  },
];
for (const { scope, want } of scopes) {
  test(`a scope reads: ${want}`, () => assert.equal(describeScope(scope), want));
}

const args = [{ index: 3, type: "fd" }] as const;
const selectors: readonly { selector: Selector; want: string }[] = [
  { selector: { conditions: [], actions: [] }, want: "always: Post" },
  {
    selector: {
      conditions: [
        { by: "arg", arg: 0, op: "Equal", values: ["1", "2", "3", "4", "5", "6"] },
        { by: "pid", op: "NotIn", values: [1], inNamespace: false, followForks: false },
      ],
      actions: [{ action: "Signal", signal: 15 }, { action: "NoPost" }],
    },
    want: "args[3] Equal 1, 2, 3, 4 +2 more and pid NotIn 1: Signal 15, NoPost",
  },
  {
    selector: {
      conditions: [
        { by: "capability", op: "In", set: "effective", values: [21, 99], userNamespace: "host" },
        { by: "binary", op: "Prefix", values: ["/bin/"] },
      ],
      actions: [{ action: "Override", error: 1 }],
    },
    want: "effective capability (host) In CAP_SYS_ADMIN, 99 and binary Prefix /bin/: Override -1",
  },
];
for (const { selector, want } of selectors) {
  test(`a selector reads: ${want}`, () => assert.equal(describeSelector(selector, args), want));
}
