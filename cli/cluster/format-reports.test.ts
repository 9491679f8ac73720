import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeReport, PodPolicy, PodReport } from "@guardbee/operator/report";
import { formatNodeReports } from "./format-nodes.ts";
import { formatPodReport } from "./format-pod.ts";

const aPolicy: PodPolicy = {
  ...{ kind: "TracingPolicy", name: "p", selectorSet: "tracingpolicy.p", mode: "enforce" },
  ...{ selector: "every pod", version: "current", inForce: "yes", state: "programmed" },
  containers: ["main"],
};
const aReport: PodReport = {
  ...{ namespace: "shop", name: "web", node: "n", unknown: false, notes: [], policies: [aPolicy] },
};

test("explain says which version holds, and how the node stands with the newest", () => {
  const before = {
    ...aPolicy,
    version: "before",
    state: "failed",
    message: "LoadFailed: no",
  } as const;
  const text = formatPodReport({ ...aReport, policies: [before] }, undefined);
  assert.match(text, / yes \(version before\) +failed +main +every pod \(LoadFailed: no\)$/m);
  assert.doesNotMatch(text, /holds for this pod/);
});

test("explain says that nothing holds, or that it is not known", () => {
  const no = { ...aReport, policies: [{ ...aPolicy, inForce: "no" } as const] };
  assert.match(formatPodReport(no, undefined), /^No policy holds for this pod\.$/m);
  const unknown = { ...aReport, policies: [], unknown: true };
  assert.match(
    formatPodReport(unknown, undefined),
    /^Whether a policy holds for this pod is not known\.$/m,
  );
});

test("nodes marks what a node says of a version that it is not to hold any more", () => {
  const exception = { set: "p", hash: "h", state: "failed", reason: "LoadFailed", message: "no" };
  const node: NodeReport = {
    ...{ name: "n", standing: "failing", ready: true, desired: 2, programmed: 1, failed: 1 },
    ...{ pending: 0, unreachable: 0, digest: "current" },
    exceptions: [{ ...exception, state: "failed", earlier: true }],
  };
  const shown = formatNodeReports([node], { nowMs: 0, details: true }, undefined);
  assert.match(shown, /^n +p +failed +LoadFailed +of a version before: no$/m);
});
