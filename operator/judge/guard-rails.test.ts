import assert from "node:assert/strict";
import { test } from "node:test";
import type { Condition, Policy, SelectorSet } from "@guardbee/policy";
import { type GuardInput, guardWith, narrowingOf, type Rail } from "./guard-rails.ts";

const signal = new AbortController().signal;
const facts = { ownNamespace: "guardbee-system", namespaces: {}, disabled: [] };

const prefix: Condition = { by: "arg", arg: 0, op: "Prefix", values: ["/a/"] };
const notInit: Condition = {
  ...{ by: "pid", op: "NotIn", values: [1] },
  ...{ inNamespace: true, followForks: true },
};

function aSet(changes: Partial<SelectorSet> = {}): SelectorSet {
  return {
    policy: { kind: "TracingPolicyNamespaced", namespace: "shop", name: "p" },
    mode: "enforce",
    scope: { host: false, pods: { namespaces: ["shop"] } },
    hooks: [killing([])],
    ...changes,
  };
}

function killing(conditions: readonly Condition[], type: "file" | "fd" = "file") {
  const on = { kind: "kprobe", call: "f", syscall: false } as const;
  const selectors = [{ conditions, actions: [{ action: "Sigkill" } as const] }];
  return { on, args: [{ index: 0, type }], selectors };
}

const path: Condition = { by: "arg", arg: 0, op: "Equal", values: ["/bin/a"] };

/** Of an ExecPolicy: what may run, and that nothing else may. */
function listing(allowed: SelectorSet["hooks"][number]["selectors"]): SelectorSet["hooks"] {
  const on = { kind: "lsm", hook: "bprm_check_security" } as const;
  const starts = { by: "arg", arg: 0, op: "StartsContainer", values: ["0"] } as const;
  const rest = { conditions: [starts], actions: [{ action: "Override", error: 1 } as const] };
  return [{ on, args: [{ index: 0, type: "linux_binprm" }], selectors: [...allowed, rest] }];
}

function following(conditions: readonly Condition[]) {
  const hook = killing(conditions);
  const actions = [{ action: "FollowFD", fd: 0, name: 0 } as const];
  return { ...hook, selectors: [{ conditions, actions }] };
}

const policy = {
  kind: "TracingPolicyNamespaced",
  metadata: { name: "p", namespace: "shop" },
  spec: {},
} as unknown as Policy;

const answering = (decision: unknown): Rail => ({
  name: "rail",
  decide: async () => ({ rail: decision }),
});
const guard = (rails: readonly Rail[], set = aSet()) =>
  guardWith(rails, { policy, set }, facts, signal);

test("without a decision nothing changes", async () => {
  const { mode, scope } = aSet();
  assert.deepEqual(await guard([answering({})]), { problems: [], notes: [], mode, scope });
});

test("a rail learns whose policy it is: of a namespace, or what the cluster generates for it", async () => {
  const owners: unknown[] = [];
  const rail: Rail = {
    name: "rail",
    decide: async (_input, _signal, owner) => {
      owners.push(owner);
      return { rail: {} };
    },
  };
  await guard([rail]);
  await guardWith([rail], { policy, set: aSet(), ofCluster: true }, facts, signal);
  assert.deepEqual(owners, ["shop", undefined]);
});

test("a denial is a problem that names its guard rail, in whichever form it comes", async () => {
  const { problems, notes } = await guard([answering({ deny: ["never", { field: "spec.x" }, 7] })]);
  assert.deepEqual(
    problems.map(({ field, what }) => `${field}: ${what}`),
    [
      "spec: never (guard rail rail)",
      "spec.x: is refused (guard rail rail)",
      "spec: 7 (guard rail rail)",
    ],
  );
  assert.deepEqual(
    notes.map(({ effect }) => effect),
    ["refused", "refused", "refused"],
  );
});

test("each guard rail sees what those before it made of the policy", async () => {
  const seen: GuardInput["facts"][] = [];
  const looking: Rail = {
    name: "looking",
    decide: async (input) => {
      seen.push(input.facts);
      return {};
    },
  };
  const { mode } = await guard([looking, answering({ mode: "monitor" }), looking]);
  assert.equal(mode, "monitor");
  assert.deepEqual(
    seen.map(({ mode: one, enforces }) => `${one} ${enforces}`),
    ["enforce true", "monitor false"],
  );
});

const invalid: readonly { name: string; decision: unknown; want: RegExp }[] = [
  { name: "no object", decision: [], want: /is no object/ },
  { name: "a field that is not known", decision: { allow: [] }, want: /allow is not known/ },
  { name: "deny that is no list", decision: { deny: "x" }, want: /deny or warn is no list/ },
  { name: "a mode that enforces", decision: { mode: "enforce" }, want: /mode is enforce/ },
  { name: "a scope that is none", decision: { scope: {} }, want: /scope is not \{host/ },
  {
    name: "a scope outside the namespace",
    decision: { scope: { host: false, pods: { namespaces: ["shop", "other"] } } },
    want: /outside the policy's namespace/,
  },
  {
    name: "a scope of the host",
    decision: { scope: { host: true, pods: { namespaces: ["shop"] } } },
    want: /outside the policy's namespace/,
  },
];
for (const { name, decision, want } of invalid) {
  test(`a decision with ${name} is no answer`, async () => {
    await assert.rejects(guard([answering(decision)]), { message: want });
  });
}

const narrowings: readonly { name: string; hooks: SelectorSet["hooks"]; want: string }[] = [
  { name: "nothing that stops", hooks: [following([])], want: "positive" },
  { name: "no condition", hooks: [killing([])], want: "none" },
  { name: "a path", hooks: [killing([notInit, prefix])], want: "positive" },
  { name: "only what is not", hooks: [killing([notInit])], want: "negative" },
  { name: "one wide selector among others", hooks: [killing([prefix]), killing([])], want: "none" },
  {
    name: "descriptors that are followed by path",
    hooks: [following([notInit, prefix]), killing([], "fd")],
    want: "positive",
  },
  {
    name: "descriptors that are all followed",
    hooks: [following([notInit]), killing([], "fd")],
    want: "none",
  },
  { name: "a list of programs that is empty", hooks: listing([]), want: "none" },
  {
    name: "a list of programs",
    hooks: listing([{ conditions: [path], surely: true, actions: [{ action: "NoPost" }] }]),
    want: "negative",
  },
  { name: "a descriptor where nothing is followed", hooks: [killing([], "fd")], want: "none" },
];
for (const { name, hooks, want } of narrowings) {
  test(`narrowing of ${name} is ${want}`, () => assert.equal(narrowingOf(aSet({ hooks })), want));
}
