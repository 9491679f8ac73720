import assert from "node:assert/strict";
import { test } from "node:test";
import { hashSets, type RegoPolicy, type SelectorSet } from "@guardbee/policy";
import { acknowledgeDrop, type GenerateDeps, generate, inputsOf } from "./generate.ts";
import type { Workload } from "./inventory.ts";

const signal = new AbortController().signal;

function aWorkload(name: string): Workload {
  const none = { labels: {}, podLabels: {}, containers: [] };
  return { kind: "Deployment", namespace: "shop", name, serviceAccount: "default", ...none };
}

const namespaces = [{ name: "shop", labels: { team: "shop" } }];
const inventory = { namespaces, nodes: [], workloads: [aWorkload("a"), aWorkload("b")] };

function aRegoPolicy(spec: object = {}, annotations: Record<string, string> = {}): RegoPolicy {
  return {
    apiVersion: "guardbee.io/v1alpha1",
    kind: "RegoPolicy",
    metadata: { name: "gen", annotations },
    spec: { role: "Generate", evaluate: "PerWorkload", modules: [], ...spec },
  };
}

const aSet = (name: string): SelectorSet => ({
  policy: { kind: "TracingPolicy", name },
  mode: "enforce",
  scope: { host: false, pods: {} },
  hooks: [{ on: { kind: "kprobe", call: "f", syscall: false }, args: [], selectors: [] }],
});

/** Rego that gives each workload a policy of its name; judged well. */
const deps: GenerateDeps = {
  evaluateAll: async (inputs) =>
    inputs.map((input) => {
      const { name } = (input as { workload: Workload }).workload;
      return [{ kind: "TracingPolicy", metadata: { name }, spec: {} }];
    }),
  judge: async ({ metadata }) => {
    const sets = [aSet(metadata.name)];
    const about = { mode: "enforce", enforces: true, hash: "", nodes: undefined } as const;
    return { kind: "accepted", ...about, sets };
  },
  inForce: {},
};

test("per workload: one input each, with its namespace", () => {
  const [namespace] = namespaces;
  assert.deepEqual(inputsOf(aRegoPolicy(), inventory), [
    {
      of: "policies(Deployment shop/a)",
      input: { workload: aWorkload("a"), namespace },
    },
    {
      of: "policies(Deployment shop/b)",
      input: { workload: aWorkload("b"), namespace },
    },
  ]);
});

test("results become one list of sets in the order of their names", async () => {
  const judgement = await generate(aRegoPolicy(), inventory, deps, signal);
  assert.ok(judgement.kind === "accepted");
  assert.deepEqual(judgement.sets, [aSet("a"), aSet("b")]);
  assert.deepEqual(judgement.rego, { rules: 2, policies: 2 });
});

test("more rules than allowed are TooManyRules", async () => {
  const judgement = await generate(
    aRegoPolicy({ limits: { maxRules: 1 } }),
    inventory,
    deps,
    signal,
  );
  assert.ok(judgement.kind === "refused");
  assert.equal(judgement.reason, "TooManyRules");
});

test("a drop over the limit is held until its very digest is acknowledged", async () => {
  const name = (one: string) => `tracingpolicy.${one}`;
  const rule = { rules: 1, mode: "enforce" } as const;
  const inForce = Object.fromEntries(["a", "c", "d", "e"].map((one) => [name(one), rule]));
  const run = (annotations: Record<string, string>, limits: object = {}) =>
    generate(aRegoPolicy({ limits }, annotations), inventory, { ...deps, inForce }, signal);
  const held = await run({});
  assert.ok(held.kind === "refused");
  const digest = hashSets([aSet("a"), aSet("b")]);
  assert.deepEqual([held.reason, held.held], ["DropHeld", digest]);
  assert.equal((await run({ [acknowledgeDrop]: "another" })).kind, "refused");
  assert.equal((await run({ [acknowledgeDrop]: digest })).kind, "accepted");
  assert.equal((await run({}, { maxDropPercent: 75 })).kind, "accepted");
});

test("one policy that is refused refuses them all, and is named", async () => {
  const judge: GenerateDeps["judge"] = async (object, within) =>
    object.metadata.name === "b"
      ? {
          ...{ kind: "refused", reason: "InvalidSpec" },
          problems: [{ field: "spec.x", what: "is bad", fix: "mend it", kind: "invalid" }],
        }
      : deps.judge(object, within);
  const judgement = await generate(aRegoPolicy(), inventory, { ...deps, judge }, signal);
  assert.ok(judgement.kind === "refused");
  assert.equal(judgement.reason, "InvalidResult");
  assert.deepEqual(
    judgement.problems.map(({ field }) => field),
    ["TracingPolicy b: spec.x"],
  );
});
