import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "@guardbee/kube";
import { hashSets, nodeDigest, type SelectorSet, wholeShare } from "@guardbee/policy";
import { reportNodes } from "./node-report.ts";

const aSet = (name: string, mode: SelectorSet["mode"]): SelectorSet => ({
  policy: { kind: "TracingPolicy", name },
  ...{ mode, scope: { host: true }, hooks: [] },
});
const content = (...sets: SelectorSet[]) => ({ hash: hashSets(sets), sets });
const startedAt = "2026-01-01T00:00:00Z";
const metadata = (name: string) => ({ name, creationTimestamp: startedAt });

const [before, newest] = [content(aSet("p", "monitor")), content(aSet("p", "enforce"))];
const other = content(aSet("q", "enforce"));
const rolling = (share: number): readonly KubeObject[] => [
  {
    metadata: metadata("p"),
    spec: { ...newest, rollout: { wave: 1, startedAt, share, previous: before } },
  },
  { metadata: metadata("q"), spec: other },
];

function report(sets: readonly KubeObject[], holds: Record<string, string>, exceptions: object[]) {
  const nodes = [
    { metadata: { name: "n" }, status: { conditions: [{ type: "Ready", status: "True" }] } },
  ];
  const digest = nodeDigest(Object.entries(holds).map(([name, hash]) => ({ name, hash })));
  const managedFields = [{ subresource: "status", time: "2026-02-01T00:00:00Z" }];
  const nodePolicySet = {
    metadata: { name: "n", managedFields },
    spec: { sets: ["p", "q"] },
    status: { digest, exceptions },
  };
  const [only] = reportNodes(nodes, [nodePolicySet], sets);
  return only!;
}

test("a node that waits for its wave is current with the version before", () => {
  const { standing, programmed, digest } = report(
    rolling(0),
    { p: before.hash, q: other.hash },
    [],
  );
  assert.deepEqual([standing, programmed, digest], ["current", 2, "current"]);
});

test("a report older than a wave still counts for the policies that did not change", () => {
  const old = report(rolling(wholeShare), { p: before.hash, q: other.hash }, []);
  const { standing, programmed, pending, digest } = old;
  assert.deepEqual([standing, programmed, pending, digest], ["pending", 1, 1, "other"]);
});

test("a node that failed the newest and holds the version before fails, and is current else", () => {
  const is = { set: "p", hash: newest.hash, state: "failed", reason: "LoadFailed", message: "no" };
  const exceptions = [{ ...is, holds: before.hash }];
  const holds = { p: before.hash, q: other.hash };
  const { standing, failed, programmed, digest } = report(rolling(wholeShare), holds, exceptions);
  assert.deepEqual([standing, failed, programmed, digest], ["failing", 1, 1, "current"]);
});

test("what a node says of a version that it is not to hold any more is marked", () => {
  const is = { set: "p", hash: "earlier", state: "failed", reason: "LoadFailed", message: "no" };
  const only = report(rolling(wholeShare), { q: other.hash }, [is]);
  assert.deepEqual(only.exceptions, [{ ...is, earlier: true }]);
});
