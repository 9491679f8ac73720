import assert from "node:assert/strict";
import { test } from "node:test";
import { hashSets, nodeDigest, type Scope, type SelectorSet } from "@guardbee/policy";
import { projectNode } from "../fleet/objects.ts";
import { heldOnNodes } from "./held-on-nodes.ts";

const name = "tracingpolicy.p";
const aSet = (scope: Scope): SelectorSet => ({
  policy: { kind: "TracingPolicy", name: "p" },
  ...{ mode: "enforce", scope, hooks: [] },
});
const [before, newest] = [aSet({ host: true }), aSet({ host: true, pods: {} })];
const hash = hashSets([newest]);
const previous = { hash: hashSets([before]), sets: [before] };
const rollout = { share: 0, wave: 1, startedAt: "2026-01-01T00:00:00Z", previous };
const selectorSets = [{ metadata: { name }, spec: { hash, sets: [newest], rollout } }];

const aNode = (node: string) => [node, projectNode({ metadata: { name: node } })] as const;
const told = (node: string, holds: string | undefined, exceptions: readonly object[] = []) => ({
  metadata: { name: node },
  spec: { sets: [name] },
  status: { digest: nodeDigest(holds === undefined ? [] : [{ name, hash: holds }]), exceptions },
});

test("a change is compared with what each node holds, and said where that is another version", () => {
  const failed = {
    set: name,
    hash: previous.hash,
    state: "failed",
    reason: "LoadFailed",
    message: "",
  };
  const nodePolicySets = [
    told("waits", previous.hash),
    told("has-it", hash),
    told("fails", undefined, [failed]),
    told("elsewhere", "of an earlier edit"),
  ];
  const names = ["waits", "has-it", "fails", "elsewhere", "untold"];
  const held = heldOnNodes(name, new Map(names.map(aNode)), { nodePolicySets, selectorSets });
  assert.deepEqual(
    names.map((node) => held.on(node)),
    [before, newest, undefined, before, undefined],
  );
  assert.deepEqual(held.notes, [
    "1 node at another version than the newest, and compared with that: waits",
    "1 node without any version of it, and perhaps without this one: fails",
    "1 node with a report that does not tell, and compared with what is to hold there: elsewhere",
  ]);
});
