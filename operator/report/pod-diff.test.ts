import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePod, type Scope, type SelectorSet } from "@guardbee/policy";
import { projectNode } from "../fleet/objects.ts";
import { diffHosts, diffPods, type Placement } from "./pod-diff.ts";

const aSet = (scope: Scope, change: Partial<SelectorSet> = {}): SelectorSet => ({
  policy: { kind: "TracingPolicy", name: "p" },
  mode: "enforce",
  scope,
  hooks: [],
  ...change,
});
const aNode = (name: string, labels = {}) =>
  [name, projectNode({ metadata: { name, labels } })] as const;
const aPod = (name: string, node: string, labels: object, phase = "Running") => ({
  node,
  pod: parsePod({
    metadata: { namespace: "shop", name, uid: name, labels },
    spec: {
      containers: [
        { name: "main", image: "i" },
        { name: "proxy", image: "i" },
      ],
    },
    status: { phase },
  })!,
});
const placement: Placement = {
  nodes: new Map([aNode("edge", { pool: "edge" }), aNode("plain")]),
  pods: [
    aPod("web", "edge", { app: "web" }),
    aPod("db", "plain", { app: "db" }),
    aPod("done", "plain", { app: "db" }, "Succeeded"),
    aPod("lost", "no-such-node", { app: "db" }),
  ],
};
const everyPod = { host: true, pods: {} };
const both = ["main", "proxy"];
const labelled = (app: string): Scope => ({
  host: false,
  pods: { labels: { matchLabels: { app } } },
});

test("a new policy is gained by every pod that runs on a known node", () => {
  assert.deepEqual(
    diffPods(() => undefined, aSet(everyPod), placement),
    [
      { effect: "gains", namespace: "shop", pod: "web", node: "edge", containers: both },
      { effect: "gains", namespace: "shop", pod: "db", node: "plain", containers: both },
    ],
  );
});

test("a policy that selects other labels is gained by some pods and lost by others", () => {
  assert.deepEqual(
    diffPods(() => aSet(labelled("web")), aSet(labelled("db")), placement),
    [
      { effect: "loses", namespace: "shop", pod: "web", node: "edge", containers: both },
      { effect: "gains", namespace: "shop", pod: "db", node: "plain", containers: both },
    ],
  );
});

test("one pod may lose it in one container while it changes in another", () => {
  const main = { matchLabels: { name: "main" } };
  const after = aSet({ host: false, pods: { containers: main } }, { mode: "monitor" });
  assert.deepEqual(diffPods(() => aSet(labelled("web")), after, placement).slice(0, 2), [
    { effect: "loses", namespace: "shop", pod: "web", node: "edge", containers: ["proxy"] },
    { effect: "changes", namespace: "shop", pod: "web", node: "edge", containers: ["main"] },
  ]);
});

test("a policy that leaves nodes is lost by their pods and by their host processes", () => {
  const after = aSet(everyPod, { nodes: { matchLabels: { pool: "edge" } } });
  assert.deepEqual(
    diffPods(() => aSet(everyPod), after, placement).map(({ effect, pod }) => [effect, pod]),
    [["loses", "db"]],
  );
  assert.deepEqual(
    diffHosts(() => aSet(everyPod), after, placement.nodes),
    {
      ...{ gains: [], loses: ["plain"], changes: [] },
    },
  );
});

test("a change of mode changes the host processes that it holds for", () => {
  const after = aSet(everyPod, { mode: "monitor" });
  assert.deepEqual(diffHosts(() => aSet(everyPod), after, placement.nodes).changes, [
    "edge",
    "plain",
  ]);
  assert.deepEqual(diffHosts(() => aSet(everyPod), aSet(everyPod), placement.nodes).changes, []);
});

test("each pod is compared with what its own node holds", () => {
  const wider = aSet(everyPod);
  const held = (node: string) => (node === "edge" ? wider : aSet(labelled("db")));
  const after = aSet(labelled("db"));
  assert.deepEqual(
    diffPods(held, after, placement).map(({ effect, pod }) => [effect, pod]),
    [["loses", "web"]],
  );
  assert.deepEqual(diffHosts(held, after, placement.nodes), {
    ...{ gains: [], loses: ["edge"], changes: [] },
  });
});
