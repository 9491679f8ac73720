import assert from "node:assert/strict";
import { test } from "node:test";

import type { LabelSelector } from "@guardbee/policy";

import { matchesLabels } from "./match-labels.ts";

const labels = { app: "web", tier: "front" };

const rows: readonly { name: string; selector: LabelSelector; want: boolean }[] = [
  { name: "nothing", selector: {}, want: true },
  { name: "a label", selector: { matchLabels: { app: "web" } }, want: true },
  { name: "two, one not", selector: { matchLabels: { app: "web", tier: "back" } }, want: false },
  { name: "In", selector: term("app", "In", ["web", "db"]), want: true },
  { name: "In, absent", selector: term("zone", "In", ["a"]), want: false },
  { name: "NotIn", selector: term("app", "NotIn", ["web"]), want: false },
  { name: "NotIn, absent", selector: term("zone", "NotIn", ["a"]), want: true },
  { name: "Exists", selector: term("app", "Exists"), want: true },
  { name: "Exists, absent", selector: term("zone", "Exists"), want: false },
  { name: "Exists, of every object", selector: term("constructor", "Exists"), want: false },
  { name: "DoesNotExist", selector: term("app", "DoesNotExist"), want: false },
  { name: "DoesNotExist, absent", selector: term("zone", "DoesNotExist"), want: true },
];

function term(
  key: string,
  operator: "In" | "NotIn" | "Exists" | "DoesNotExist",
  values?: readonly string[],
): LabelSelector {
  return {
    matchExpressions: [values === undefined ? { key, operator } : { key, operator, values }],
  };
}

for (const { name, selector, want } of rows) {
  test(`matchesLabels with ${name}`, () => assert.equal(matchesLabels(selector, labels), want));
}
