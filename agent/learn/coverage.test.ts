import assert from "node:assert/strict";
import { test } from "node:test";
import type { SelectorSet } from "@guardbee/policy";
import type { Pod } from "@guardbee/policy/sets";
import { Coverage } from "./coverage.ts";

const set: SelectorSet = {
  policy: { kind: "ExecPolicy", name: "web" },
  mode: "monitor",
  scope: { host: false, pods: { labels: { matchLabels: { app: "web" } } } },
  learn: { hook: 0, others: 0, fromImage: 9 },
  hooks: [],
};
const learning = { name: "execpolicy.web", set };
const workload = { namespace: "shop", kind: "Deployment", name: "web" };
const at = (second: number) => Date.UTC(2026, 0, 1, 0, 0, second);
const stamped = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, "0")}Z`;

function aPod(name: string, startedAt: number, change: Partial<Pod> = {}): Pod {
  const running = { id: `c://${name}-${startedAt}`, imageId: "i", live: true };
  return {
    ...{ namespace: "shop", name, uid: name, cgroupUid: name, labels: { app: "web" } },
    workload: { kind: "Deployment", name: "web" },
    ...{ hostPid: false, hostNetwork: false, finished: false },
    containers: [
      {
        ...{ name: "c", image: "i", privileged: false },
        running: { ...running, startedAt: stamped(startedAt) },
      },
    ],
    ...change,
  };
}

function covered(coverage: Coverage, pods: readonly Pod[], nowMs: number) {
  coverage.follow([learning], pods, nowMs);
  return coverage.of(learning, pods);
}

test("pods that ran before the policy did, or since the same second, were not seen from their start", () => {
  const coverage = new Coverage();
  const before = [aPod("a", 5), aPod("b", 10)];
  assert.deepEqual(covered(coverage, before, at(9) + 400), [
    { workload, pods: 2, sinceStart: 0, starts: 0 },
  ]);
  assert.equal(coverage.since(learning.name), stamped(10));
  const started = { workload, pods: 2, sinceStart: 1, starts: 1, lastStartTime: stamped(12) };
  assert.deepEqual(covered(coverage, [aPod("a", 12), before[1]!], at(13)), [started]);
  assert.deepEqual(covered(coverage, [aPod("a", 12), before[1]!], at(14)), [started]);
});

test("a container that starts again is one start more, a pod that is replaced as well", () => {
  const coverage = new Coverage();
  covered(coverage, [], at(1));
  covered(coverage, [aPod("a", 3)], at(4));
  covered(coverage, [aPod("a", 5)], at(6));
  assert.deepEqual(covered(coverage, [aPod("b", 7)], at(8)), [
    { workload, pods: 1, sinceStart: 1, starts: 3, lastStartTime: stamped(7) },
  ]);
});

test("pods out of scope, finished ones and containers that do not run are none", () => {
  const coverage = new Coverage();
  covered(coverage, [], at(1));
  const pods = [
    aPod("a", 3, { labels: {} }),
    aPod("b", 3, { finished: true }),
    aPod("c", 3, { containers: [{ name: "c", image: "i", privileged: false }] }),
  ];
  assert.deepEqual(covered(coverage, pods, at(4)), []);
});

test("another agent goes on with it, and does not take what started while none ran for seen", () => {
  const first = new Coverage();
  covered(first, [], at(1));
  const pods = [aPod("a", 3), aPod("b", 3)];
  const [told] = covered(first, pods, at(4));
  const { workload: its, ...counts } = told!;
  const second = new Coverage(pods);
  const report = { ...its, ...counts };
  second.restore({ set: learning.name, since: first.since(learning.name)!, workloads: [report] });
  const now = [...pods, aPod("c", 6)];
  assert.deepEqual(covered(second, now, at(8)), [
    { workload, pods: 3, sinceStart: 2, starts: 2, lastStartTime: stamped(3) },
  ]);
  assert.equal(second.since(learning.name), stamped(1));
  const later = [...now, aPod("d", 9)];
  assert.deepEqual(covered(second, later, at(10)), [
    { workload, pods: 4, sinceStart: 3, starts: 3, lastStartTime: stamped(9) },
  ]);
});

test("a policy that was out of force begins anew", () => {
  const coverage = new Coverage();
  covered(coverage, [], at(1));
  const pods = [aPod("a", 3)];
  covered(coverage, pods, at(4));
  coverage.follow([], pods, at(5));
  assert.deepEqual(covered(coverage, pods, at(6)), [
    { workload, pods: 1, sinceStart: 0, starts: 0 },
  ]);
});
