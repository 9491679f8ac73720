import assert from "node:assert/strict";
import { test } from "node:test";
import type { RuleCounts } from "../fleet/rule-counts.ts";
import { countDropped } from "./drop-guard.ts";

const enforce = (rules: number) => ({ rules, mode: "enforce" as const });
const monitor = (rules: number) => ({ rules, mode: "monitor" as const });

const cases: readonly { name: string; before: RuleCounts; after: RuleCounts; want: number }[] = [
  { name: "the same", before: { a: enforce(2) }, after: { a: enforce(2) }, want: 0 },
  { name: "more", before: { a: enforce(2) }, after: { a: enforce(3), b: enforce(1) }, want: 0 },
  {
    name: "a policy gone",
    before: { a: enforce(2), b: enforce(3) },
    after: { a: enforce(2) },
    want: 3,
  },
  { name: "fewer rules", before: { a: enforce(5) }, after: { a: enforce(3) }, want: 2 },
  {
    name: "monitor where it enforced",
    before: { a: enforce(2) },
    after: { a: monitor(2) },
    want: 2,
  },
  {
    name: "enforce where it monitored",
    before: { a: monitor(2) },
    after: { a: enforce(2) },
    want: 0,
  },
  {
    name: "a new policy, which makes up for none",
    before: { a: enforce(2) },
    after: { b: enforce(9) },
    want: 2,
  },
  { name: "a name that objects have", before: { constructor: enforce(1) }, after: {}, want: 1 },
];
for (const { name, before, after, want } of cases) {
  test(`countDropped of ${name}`, () => assert.equal(countDropped(before, after), want));
}
