import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeException, NodeReport } from "../fleet/node-report.ts";
import { nodeStanding } from "./node-standing.ts";

const exception = (state: NodeException["state"]): NodeException => ({
  ...{ set: "a", hash: "1", state, reason: "KernelLacks", message: "" },
});
const cases: readonly {
  name: string;
  report: NodeReport | undefined;
  want: readonly [ready: string, notReady: string];
}[] = [
  { name: "no report", report: undefined, want: ["unreported", "unreachable"] },
  { name: "no digest", report: { exceptions: [] }, want: ["unreported", "unreachable"] },
  {
    name: "the digest of today",
    report: { digest: "today", exceptions: [] },
    want: ["current", "current"],
  },
  {
    name: "an older digest",
    report: { digest: "older", exceptions: [] },
    want: ["pending", "unreachable"],
  },
  {
    name: "a pending exception",
    report: { digest: "less", exceptions: [exception("pending")] },
    want: ["pending", "unreachable"],
  },
  {
    name: "a failed exception",
    report: { digest: "less", exceptions: [exception("pending"), exception("failed")] },
    want: ["failing", "failing"],
  },
];
for (const { name, report, want } of cases) {
  test(`the standing of a node with ${name}, Ready and not`, () => {
    const of = (ready: boolean) => nodeStanding({ ready, report }, "today");
    assert.deepEqual([of(true), of(false)], want);
  });
}
