import assert from "node:assert/strict";
import { test } from "node:test";
import type { ExecProposal, PolicyExecReport, ReportedExecutable } from "@guardbee/policy";
import { Gathered } from "./gathered.ts";
import { type ProposeInput, propose } from "./propose.ts";

const since = "2026-01-01T00:00:00Z";
const day = 86_400_000;
const nowMs = Date.parse(since) + 2 * day;
const set = "execpolicynamespaced.shop.web";

function executable(path: string, change: Partial<ReportedExecutable> = {}): ReportedExecutable {
  return { path, parents: ["/bin/sh"], count: 1, ...change };
}

function said(
  executables: readonly ReportedExecutable[],
  change: Partial<PolicyExecReport["workloads"][number]> = {},
): PolicyExecReport {
  const workload = { namespace: "shop", kind: "Deployment", name: "web", executables };
  return { set, since, workloads: [{ ...workload, ...change }] };
}

function gather(...reports: readonly PolicyExecReport[]): Gathered {
  const gathered = new Gathered("shop");
  for (const report of reports) gathered.add(report);
  return gathered;
}

function proposed(gathered: Gathered, change: Partial<ProposeInput> = {}) {
  return propose({
    rules: { allow: [] },
    learn: { minDurationMs: day, minRestarts: 0 },
    ...{ gathered, before: undefined, held: true, nowMs },
    ...change,
  });
}

const paths = ({ executables }: ExecProposal) => executables.map(({ path }) => path);

test("what nodes report of a program is one entry", () => {
  const a = said([executable("/usr/bin/curl", { count: 2 }), executable("/bin/cat")]);
  const b = said([executable("/usr/bin/curl", { parents: ["/bin/bash"], denied: true })]);
  assert.deepEqual(proposed(gather(a, b)).content.executables, [
    { path: "/bin/cat", parents: ["/bin/sh"], workloads: ["Deployment/web"], nodes: 1, count: 1 },
    {
      ...{ path: "/usr/bin/curl", parents: ["/bin/bash", "/bin/sh"], denied: true },
      ...{ workloads: ["Deployment/web"], nodes: 2, count: 3 },
    },
  ]);
});

test("what a rule names by now is not proposed, whether it allows or denies", () => {
  const rules = { allow: [{ paths: ["/bin/cat"] }], deny: [{ pathPrefixes: ["/tmp/"] }] };
  const report = said(["/bin/cat", "/tmp/x", "/bin/ls"].map((path) => executable(path)));
  assert.deepEqual(paths(proposed(gather(report), { rules }).content), ["/bin/ls"]);
});

test("what was proposed stays when its node goes, and ends when a rule names it", () => {
  const { content: before } = proposed(gather(said([executable("/bin/ls")])));
  const now = proposed(gather(), { before });
  assert.deepEqual(now.content.executables, [{ ...before.executables[0], nodes: 0 }]);
  const rules = { allow: [{ paths: ["/bin/ls"] }] };
  assert.deepEqual(paths(proposed(gather(), { before, rules }).content), []);
});

test("one origin that is not known, or another, is none that is proposed", () => {
  const image = { fromImage: true };
  const both = [said([executable("/bin/ls", image)]), said([executable("/bin/ls", image)])];
  assert.equal(proposed(gather(...both)).content.executables[0]?.fromImage, true);
  const mixed = gather(both[0]!, said([executable("/bin/ls")]), both[1]!);
  assert.equal(proposed(mixed).content.executables[0]?.fromImage, undefined);
});

test("a namespace's policy hears of no other namespace", () => {
  const other = said([executable("/bin/ls")], { namespace: "bank", pods: 3 });
  const { content } = proposed(gather(other));
  assert.deepEqual([paths(content), content.coverage.pods], [[], 0]);
});

test("a node that says all that it may does not push out what others say", () => {
  const many = Array.from({ length: 200 }, (_, i) => executable(`/tmp/${String(i).padStart(3)}`));
  const workloads = Array.from({ length: 100 }, (_, i) => ({
    ...{ namespace: "shop", kind: "Pod", name: `p${i}` },
    executables: many.map((one) => ({ ...one, path: `${one.path}-${i}`.replaceAll(" ", "0") })),
  }));
  const hostile = { set, since, workloads };
  const honest = said(
    Array.from({ length: 60 }, (_, i) => executable(`/usr/bin/${String(i).padStart(2, "0")}`)),
  );
  for (const order of [
    [hostile, honest],
    [honest, hostile],
  ]) {
    const { content } = proposed(gather(...order));
    assert.equal(content.executables.length, 500);
    const kept = paths(content).filter((path) => path.startsWith("/usr/bin/"));
    assert.deepEqual(kept.length, 60);
    assert.ok((content.omitted ?? 0) >= 10_000, String(content.omitted));
  }
});

test("escapes and folders that lead elsewhere are not proposed", () => {
  const report = said(["/bin/\u001b[2J", "/bin/../x", "relative"].map((path) => executable(path)));
  assert.deepEqual(paths(proposed(gather(report)).content), []);
});

const replicas = { pods: 3, sinceStart: 3, starts: 5 };
const covered = gather(said([], replicas));

test("three replicas that were seen from their start, for long enough, are covered", () => {
  const { content, dueInMs } = proposed(covered);
  const message = `3/3 replicas since start, 2 restarts, since ${since}`;
  assert.deepEqual(content.coverage, {
    ...{ pods: 3, sinceStart: 3, restarts: 2, since, summary: "3/3" },
  });
  assert.deepEqual(content.status?.conditions, [
    {
      ...{ type: "Covered", status: "True", reason: "Covered", message },
      lastTransitionTime: "2026-01-03T00:00:00Z",
    },
  ]);
  assert.equal(dueInMs, Number.POSITIVE_INFINITY);
});

const notCovered: readonly {
  readonly name: string;
  readonly gathered?: Gathered;
  readonly change?: Partial<ProposeInput>;
  readonly want: string;
}[] = [
  {
    name: "a node that does not hold the policy",
    change: { held: false },
    want: "NodesPending: not every node holds the policy; guardbee status says which",
  },
  {
    name: "no pod",
    gathered: gather(),
    want: "NoReplicas: no pod in its scope runs on a node that has reported",
  },
  {
    name: "a replica that ran before",
    gathered: gather(said([], { ...replicas, sinceStart: 2 })),
    want: "ReplicasNotSeen: 2 of 3 replicas were seen from their start; restart the others: kubectl rollout restart",
  },
  {
    name: "too few restarts",
    change: { learn: { minDurationMs: day, minRestarts: 3 } },
    want: `TooFewRestarts: 2 of 3 restarts since ${since}; kubectl rollout restart is one a replica`,
  },
  {
    name: "too short a time",
    change: { nowMs: Date.parse(since) + day / 2 },
    want: `TooShort: learns since ${since}, and is to until 2026-01-02T00:00:00Z`,
  },
];
for (const { name, gathered = covered, change = {}, want } of notCovered) {
  test(`with ${name} it is not covered`, () => {
    const [condition] = proposed(gathered, change).content.status?.conditions ?? [];
    assert.equal(condition?.status, "False");
    assert.equal(`${condition?.reason}: ${condition?.message}`, want);
  });
}

test("it is looked at again when its time is over, and the transition keeps its time", () => {
  const early = proposed(covered, { nowMs: Date.parse(since) + day / 2 });
  assert.equal(early.dueInMs, day / 2);
  const { content: before } = proposed(covered);
  const later = proposed(covered, { before, nowMs: nowMs + day });
  assert.deepEqual(later.content, before);
});
