import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeDigest, resourceOf } from "@guardbee/policy";
import type { NodeEntry, NodeSetsEntry, PolicyEntry, SetEntry } from "../fleet/objects.ts";
import { FleetCounter } from "./fleet-counts.ts";

const aNode = (name: string, ready = true): NodeEntry => ({
  ...{ name, uid: name, labels: {}, ready, kernel: "6.1.0", arch: "amd64" },
});
const aSet = (name: string): SetEntry => ({
  ...{
    name,
    hash: `hash-${name}`,
    mode: "enforce",
    nodes: undefined,
    ownerUid: undefined,
    uid: "u",
    generation: 1,
  },
});
const report = (node: string, held: readonly string[]): NodeSetsEntry => {
  const digest = nodeDigest(held.map((name) => ({ name, hash: `hash-${name}` })));
  return {
    node,
    ownerUid: undefined,
    sets: ["a", "b"],
    report: { digest, exceptions: [] },
  };
};
const aPolicy = (setName: string, ready?: string, reason = "Programmed"): PolicyEntry => {
  const condition = { type: "Ready", status: ready, reason, message: "", lastTransitionTime: "" };
  const status = ready === undefined ? undefined : { conditions: [condition] };
  return {
    ...{ setName, uid: "", generation: 1, resourceVersion: "1", createdAt: "", deleting: false },
    resource: resourceOf("TracingPolicy"),
    object: { metadata: { name: setName } },
    status: status as PolicyEntry["status"],
  };
};

test("nodes and policies are counted by state; what is gone is not", () => {
  const nodes = new Map(["n1", "n2", "n3"].map((name) => [name, aNode(name)]));
  nodes.set("n4", aNode("n4", false));
  const reports = new Map(
    [report("n1", ["a", "b"]), report("n2", ["a"]), report("gone", ["a"])].map((one) => [
      one.node,
      one,
    ]),
  );
  const policies = new Map(
    [aPolicy("a", "True"), aPolicy("b", "False", "NodesFailed"), aPolicy("c")].map((one) => [
      one.setName,
      one,
    ]),
  );
  const sets = new Map([aSet("a"), aSet("b"), aSet("orphan")].map((one) => [one.name, one]));
  const counter = new FleetCounter({
    nodeNames: () => [...nodes.keys(), "gone"],
    node: (name) => nodes.get(name),
    nodeSets: (name) => reports.get(name),
    set: (name) => sets.get(name),
    setNames: () => [...policies.keys(), "orphan"],
    policy: (name) => policies.get(name),
  });
  const before = counter.count();
  assert.deepEqual(before, {
    nodes: new Map([
      ["current", 1],
      ["pending", 1],
      ["unreported", 1],
      ["unreachable", 1],
    ]),
    policies: [
      { kind: "TracingPolicy", ready: "True", reason: "Programmed", count: 1 },
      { kind: "TracingPolicy", ready: "False", reason: "NodesFailed", count: 1 },
      { kind: "TracingPolicy", ready: "Unknown", reason: "Pending", count: 1 },
    ],
    rollouts: new Map(),
  });
  const rollout = { state: "Halted", wave: 1, waves: 2 } as const;
  policies.set("c", { ...aPolicy("c"), status: { rollout } });
  assert.deepEqual(counter.count().rollouts, new Map([["Halted", 1]]));
  sets.set("b", { ...aSet("b"), hash: "changed" });
  const { nodes: later } = counter.count();
  assert.deepEqual([later.get("current"), later.get("pending")], [undefined, 2]);
});
