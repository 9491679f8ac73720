import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeFacts } from "../fleet/node-report.ts";
import { type NodeStateOptions, nodeState } from "./node-state.ts";

const set = { name: "tracingpolicy.a", hash: "h2", mode: "enforce" } as const;
const facts: NodeFacts = {
  node: "n",
  kernel: "6.1.0",
  arch: "x86_64",
  ready: true,
  report: { digest: "d", exceptions: [] },
  holds: new Map([["tracingpolicy.a", "h2"]]),
  heardMs: 0,
};
const options: NodeStateOptions = {
  nowMs: 1000,
  changedMs: 0,
  unreachableMs: 120_000,
  wasReady: false,
  modeOf: (hash) => (hash === "h1" ? "monitor" : undefined),
};
const old = new Map([["tracingpolicy.a", "h1"]]);
const failure = {
  set: "tracingpolicy.a",
  hash: "h2",
  state: "failed",
  reason: "KernelLacks",
  message: "no kprobe_override",
} as const;

const cases: readonly {
  name: string;
  facts?: Partial<NodeFacts>;
  options?: Partial<NodeStateOptions>;
  want: object;
}[] = [
  { name: "that holds this content is programmed", want: { state: "programmed", mode: "enforce" } },
  {
    name: "that holds it and went NotReady is still programmed",
    facts: { ready: false },
    want: { state: "programmed", mode: "enforce" },
  },
  {
    name: "that holds it and takes 32-bit system calls says so",
    facts: { report: { digest: "d", exceptions: [], takesInt80: true } },
    want: { state: "programmed", mode: "enforce", takesInt80: true },
  },
  {
    name: "that held it late in some pods says in how many",
    facts: {
      report: {
        ...{ digest: "d", exceptions: [] },
        late: [
          { set: "other", pods: 1 },
          { set: set.name, pods: 2 },
        ],
      },
    },
    want: { state: "programmed", mode: "enforce", latePods: 2 },
  },
  {
    name: "that holds it and was tampered with says so",
    facts: { report: { digest: "d", exceptions: [], tampered: true } },
    want: { state: "programmed", mode: "enforce", tampered: true },
  },
  {
    name: "that could not is failed with its reason",
    facts: { report: { digest: "d", exceptions: [failure] }, holds: new Map() },
    want: { state: "failed", reason: "KernelLacks", message: "no kprobe_override" },
  },
  {
    name: "that could not, and holds an earlier content, says its mode too",
    facts: { report: { digest: "d", exceptions: [{ ...failure, holds: "h1" }] }, holds: old },
    want: {
      state: "failed",
      reason: "KernelLacks",
      message: "no kprobe_override",
      holds: "monitor",
    },
  },
  {
    name: "that failed with an earlier content is pending",
    facts: {
      report: { digest: "d", exceptions: [{ ...failure, hash: "h1" }] },
      holds: new Map(),
    },
    want: { state: "pending", untilMs: 120_000 },
  },
  {
    name: "that holds an earlier content is pending and says its mode",
    facts: { holds: old },
    want: { state: "pending", untilMs: 120_000, holds: "monitor" },
  },
  {
    name: "that never reported is pending",
    facts: { report: undefined, holds: undefined },
    want: { state: "pending", untilMs: 120_000 },
  },
  {
    name: "that is silent for two minutes after the change is unreachable",
    facts: { holds: old },
    options: { changedMs: 5_000, nowMs: 125_000 },
    want: { state: "unreachable" },
  },
  {
    name: "that has not been silent for two minutes since the change is pending",
    facts: { holds: old },
    options: { changedMs: 5_000, nowMs: 124_999 },
    want: { state: "pending", untilMs: 125_000, holds: "monitor" },
  },
  {
    name: "that is NotReady and holds an earlier content is unreachable",
    facts: { holds: old, ready: false },
    want: { state: "unreachable" },
  },
  {
    name: "with a digest nobody knows is pending",
    facts: { holds: undefined },
    want: { state: "pending", untilMs: 120_000 },
  },
  {
    name: "with a digest nobody knows keeps a policy that was Ready with this content",
    facts: { holds: undefined },
    options: { wasReady: true },
    want: { state: "programmed", mode: "enforce" },
  },
  {
    name: "with a digest nobody knows is doubted after two minutes, also for a policy once Ready",
    facts: { holds: undefined },
    options: { wasReady: true, nowMs: 120_000 },
    want: { state: "unreachable" },
  },
  {
    name: "whose report has no room for all that it cannot hold is not taken for one that holds it",
    facts: { report: { digest: "d", exceptions: [], exceptionsOmitted: 3 }, holds: undefined },
    options: { wasReady: true, nowMs: 300_000 },
    want: { state: "pending", untilMs: Number.POSITIVE_INFINITY },
  },
  {
    name: "with such a report that holds this content all the same is programmed",
    facts: { report: { digest: "d", exceptions: [], exceptionsOmitted: 3 } },
    want: { state: "programmed", mode: "enforce" },
  },
  {
    name: "with such a report that is NotReady is unreachable",
    facts: {
      ...{ report: { digest: "d", exceptions: [], exceptionsOmitted: 3 }, holds: undefined },
      ready: false,
    },
    want: { state: "unreachable" },
  },
  {
    name: "that never reported does not count for a policy that was Ready",
    facts: { report: undefined, holds: undefined },
    options: { wasReady: true },
    want: { state: "pending", untilMs: 120_000 },
  },
];
for (const one of cases) {
  test(`a node ${one.name}`, () => {
    const state = nodeState({ ...facts, ...one.facts }, set, { ...options, ...one.options });
    assert.deepEqual(state, { node: "n", kernel: "6.1.0", arch: "x86_64", ...one.want });
  });
}
