import assert from "node:assert/strict";
import { test } from "node:test";
import { type LabelSelector, matchesLabels } from "@guardbee/policy";
import fc from "fast-check";
import { NodeIndex } from "./node-index.ts";

const key = fc.constantFrom("zone", "arch", "role");
const value = fc.constantFrom("a", "b", "");
type Labels = Readonly<Record<string, string>>;
const labels: fc.Arbitrary<Labels> = fc.dictionary(key, value, { noNullPrototype: true });
const expression = fc.oneof(
  fc.record({
    key,
    operator: fc.constantFrom("In" as const, "NotIn" as const),
    values: fc.array(value, { minLength: 1, maxLength: 2 }),
  }),
  fc.record({ key, operator: fc.constantFrom("Exists" as const, "DoesNotExist" as const) }),
);
const selector: fc.Arbitrary<LabelSelector> = fc.record({
  matchLabels: labels,
  matchExpressions: fc.array(expression, { maxLength: 3 }),
});

test("the index finds exactly the nodes whose labels match, after any history", () => {
  const history = fc.array(
    fc.record({ name: fc.constantFrom("n1", "n2", "n3"), labels: fc.option(labels) }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(history, selector, (steps, wanted) => {
      const index = new NodeIndex();
      const nodes = new Map<string, Labels>();
      for (const step of steps) {
        if (step.labels === null) {
          index.delete(step.name);
          nodes.delete(step.name);
        } else {
          index.set(step.name, step.labels);
          nodes.set(step.name, step.labels);
        }
      }
      const want = [...nodes].filter(([, one]) => matchesLabels(wanted, one)).map(([name]) => name);
      assert.deepEqual(index.match(wanted), want.sort());
    }),
  );
});

test("a node without a label called constructor is one that DoesNotExist selects", () => {
  const index = new NodeIndex();
  index.set("n1", { zone: "a" });
  const absent = { matchExpressions: [{ key: "constructor", operator: "DoesNotExist" }] } as const;
  assert.deepEqual(index.match(absent), ["n1"]);
  const present = { matchExpressions: [{ key: "constructor", operator: "Exists" }] } as const;
  assert.deepEqual(index.match(present), []);
});

const cases: readonly { name: string; selector: LabelSelector | undefined; want: boolean }[] = [
  { name: "no selector matches", selector: undefined, want: true },
  { name: "an empty selector matches", selector: {}, want: true },
  { name: "an equal label matches", selector: { matchLabels: { zone: "a" } }, want: true },
  { name: "another value does not", selector: { matchLabels: { zone: "b" } }, want: false },
  {
    name: "NotIn matches an absent key",
    selector: { matchExpressions: [{ key: "role", operator: "NotIn", values: ["db"] }] },
    want: true,
  },
  {
    name: "Exists does not match an absent key",
    selector: { matchExpressions: [{ key: "role", operator: "Exists" }] },
    want: false,
  },
];
for (const { name, selector: wanted, want } of cases) {
  test(`matchesLabels: ${name}`, () => assert.equal(matchesLabels(wanted, { zone: "a" }), want));
}
