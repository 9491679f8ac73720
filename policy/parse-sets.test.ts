import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { argTypes, operatorNamesOf } from "./args/index.ts";
import { anySelectorSet } from "./decide/arbitrary.ts";
import { lower } from "./lower/index.ts";
import { parsePolicies } from "./parse.ts";
import { parseSets } from "./parse-sets.ts";
import { formatProblem } from "./problem.ts";
import type { Hook, SelectorSet } from "./selector-set.ts";

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

const withCondition = (condition: object, args: readonly object[] = hook.args) =>
  aSet({}, { args, selectors: [{ conditions: [condition], actions: [] }] });
const withAction = (action: object) =>
  aSet({}, { selectors: [{ conditions: [], actions: [action] }] });

/** What is wrong with it, a line each. */
function wrongIn(raw: unknown): readonly string[] {
  const parsed = parseSets(raw, "spec.sets");
  return parsed.ok ? [] : parsed.problems.map(formatProblem);
}

const condition = "spec.sets[0].hooks[0].selectors[0].conditions[0]";
const action = "spec.sets[0].hooks[0].selectors[0].actions[0]";

const rows: readonly { name: string; raw: unknown; want: readonly string[] }[] = [
  { name: "a good set", raw: aSet(), want: [] },
  {
    name: "nothing",
    raw: undefined,
    want: ["spec.sets[0]: is empty; write a mapping of fields"],
  },
  { name: "a list", raw: [], want: ["spec.sets[0]: is a list; write a mapping of fields"] },
  {
    name: "an unknown mode",
    raw: aSet({ mode: "x" }),
    want: ['spec.sets[0].mode: is "x"; allowed: enforce, monitor'],
  },
  {
    name: "a field of a newer operator",
    raw: aSet({ share: 10 }),
    want: [
      "spec.sets[0].share: is not a field; known fields: policy, mode, nodes, scope, learn, hooks",
    ],
  },
  {
    name: "a null, which no operator writes",
    raw: aSet({ nodes: null }),
    want: ["spec.sets[0].nodes: is null; leave it out"],
  },
  {
    name: "hooks that are no list",
    raw: aSet({ hooks: {} }),
    want: [
      'spec.sets[0].hooks: is a mapping; write a list: each item on a line of its own after "- "',
    ],
  },
  {
    name: "a kind of hook of a newer operator",
    raw: aSet({}, { on: { kind: "perf", event: "cycles" } }),
    want: [
      'spec.sets[0].hooks[0].on.kind: is "perf"; allowed: kprobe, exec, lsm, functions, uprobe, usdt, rawTracepoint, tracepoint',
    ],
  },
  {
    name: "a type of argument of a newer operator",
    raw: aSet({}, { args: [{ index: 0, type: "later" }], selectors: [] }),
    want: [`spec.sets[0].hooks[0].args[0].type: is "later"; allowed: ${argTypes.join(", ")}`],
  },
  {
    name: "an unknown condition",
    raw: withCondition({ by: "__proto__" }),
    want: [
      `${condition}.by: is "__proto__"; allowed: pid, binary, parentBinary, namespace, capability, namespaceChange, capabilityChange, arg, gained`,
    ],
  },
  {
    name: "a condition without its kind",
    raw: withCondition({ op: "In", values: [1] }),
    want: [
      `${condition}.by: is missing; write one of pid, binary, parentBinary, namespace, capability, namespaceChange, capabilityChange, arg, gained`,
    ],
  },
  {
    name: "a condition without what its kind needs",
    raw: withCondition({ by: "arg", op: "Equal", values: [] }),
    want: [`${condition}.arg: is missing; write a whole number`],
  },
  {
    name: "a condition with what another kind has",
    raw: withCondition({ by: "binary", op: "In", values: ["/bin/sh"], followForks: true }),
    want: [`${condition}.followForks: is not a field; known fields: by, op, values`],
  },
  {
    name: "a value that the flat schema of the API server takes",
    raw: withCondition({ by: "binary", op: "In", values: [1] }),
    want: [`${condition}.values[0]: is the number 1; quote it: "1"`],
  },
  {
    name: "an operator that the argument's type has not in this version",
    raw: withCondition({ by: "arg", arg: 0, op: "Prefix", values: ["1"] }, [
      { index: 0, type: "int" },
    ]),
    want: [
      `${condition}.op: Prefix does not apply to type int; allowed: ${operatorNamesOf("int").join(", ")}`,
    ],
  },
  {
    name: "a value that the argument's type has not",
    raw: withCondition({ by: "arg", arg: 0, op: "Equal", values: ["4294967296"] }, [
      { index: 0, type: "uint32" },
    ]),
    want: [`${condition}.values[0]: is 4294967296; uint32 holds 0 to 4294967295`],
  },
  {
    name: "a condition on an argument that is not there",
    raw: withCondition({ by: "arg", arg: 1, op: "Equal", values: ["/"] }),
    want: [`${condition}.arg: is 1; the hook has 1 arguments, counted from 0`],
  },
  {
    name: "an action of a newer operator",
    raw: withAction({ action: "Throttle", seconds: 5 }),
    want: [
      `${action}.action: is "Throttle"; allowed: Post, NoPost, Sigkill, Signal, Override, FollowFD, UnfollowFD, CopyFD, TrackSock, UntrackSock, Aggregate, GetUrl, DnsLookup, Enforce, NotifyEnforcer, CleanupEnforcerNotification, Set`,
    ],
  },
  {
    name: "an action on an argument that is not there",
    raw: withAction({ action: "FollowFD", fd: 0, name: 1 }),
    want: [`${action}.name: is 1; the hook has 1 arguments, counted from 0`],
  },
  {
    name: "an action on an argument that is not what it needs",
    raw: withAction({ action: "FollowFD", fd: 0, name: 0 }),
    want: [`${action}.name: names an argument of type fd; allowed: file`],
  },
];
for (const { name, raw, want } of rows) {
  test(`parseSets of ${name}`, () => assert.deepEqual(wrongIn([raw]), want));
}

test("parseSets of no list, of none and of one that is wrong among others", () => {
  const noList = 'spec.sets: is a mapping; write a list: each item on a line of its own after "- "';
  const wrong = 'spec.sets[1].mode: is "x"; allowed: enforce, monitor';
  const given = [{}, [], [aSet(), aSet({ mode: "x" })]];
  assert.deepEqual(given.map(wrongIn), [[noList], [], [wrong]]);
});

for (const file of ["deny-tmp-forbidden-write.yaml", "exec-policy-example.yaml"]) {
  test(`the lowered ${file} is a set that this version takes`, () => {
    const path = new URL(`../config/examples/${file}`, import.meta.url);
    for (const { result } of parsePolicies(readFileSync(path, "utf8"), file).policies) {
      const lowered = result.ok ? lower(result.value) : result;
      assert.ok(lowered.ok);
      assert.deepEqual(parseSets([lowered.value], "spec.sets"), {
        ok: true,
        value: [lowered.value],
      });
    }
  });
}

test("parseSets takes every set as it is, also from JSON", () => {
  fc.assert(
    fc.property(fc.array(anySelectorSet, { maxLength: 3 }), (sets) => {
      const raw: unknown = JSON.parse(JSON.stringify(sets));
      assert.deepEqual(parseSets(raw, "spec.sets"), { ok: true, value: raw });
    }),
  );
});
