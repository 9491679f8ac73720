import assert from "node:assert/strict";
import { test } from "node:test";
import { after, done, type ReflectorState, resources } from "@guardbee/kube";
import type { Sources } from "./definitions.ts";
import type { FleetCounts } from "./fleet-counts.ts";
import { OperatorMetrics } from "./metrics.ts";

/** The lines of one metric, without comments, sorted. */
async function lines(metrics: OperatorMetrics, name: string): Promise<readonly string[]> {
  const text = await metrics.registry.metrics();
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .map((line) => line.slice(name.length).trim())
    .sort();
}

const aSource = (change: Partial<Sources> = {}): Sources => ({
  queues: () => ({}),
  leads: () => false,
  fleet: () => ({ nodes: new Map(), policies: [], rollouts: new Map() }),
  rego: () => ({}),
  ...change,
});

test("a watch is in one state, and what ended it is counted", async () => {
  const metrics = new OperatorMetrics();
  const watching = { kind: "watching", resourceVersion: "1", failures: 0 } as const;
  const waiting: ReflectorState = {
    kind: "waiting",
    ...{ delayMs: 1, reason: "", resourceVersion: "1", failures: 1 },
  };
  metrics.watchStep(resources.node, { kind: "listed", resourceVersion: "1" }, watching);
  const ended = { kind: "ended", resourceVersion: "1", progress: "none" } as const;
  metrics.watchStep(resources.node, { ...ended, cause: { why: "silent" } }, waiting);
  metrics.watchStep(resources.node, { kind: "failed", cause: { why: "gone" } }, waiting);
  assert.deepEqual(await lines(metrics, "guardbee_watch_state"), [
    '{resource="nodes",state="listing"} 0',
    '{resource="nodes",state="waiting"} 1',
    '{resource="nodes",state="watching"} 0',
  ]);
  assert.deepEqual(await lines(metrics, "guardbee_watch_lists_total"), ['{resource="nodes"} 1']);
  assert.deepEqual(await lines(metrics, "guardbee_watch_ends_total"), [
    '{resource="nodes",reason="gone"} 1',
    '{resource="nodes",reason="silent"} 1',
  ]);
});

test("evaluations are counted by outcome, and the processes that do them by whose Rego", async () => {
  const metrics = new OperatorMetrics();
  const none = { processCount: 0, memoryBytes: 0 };
  const rego = () => ({ cluster: { processCount: 2, memoryBytes: 80 }, namespaced: none });
  metrics.follow(aSource({ rego }));
  for (const outcome of ["value", "value", "deadline"]) metrics.evaluated("cluster", outcome);
  assert.deepEqual(await lines(metrics, "guardbee_rego_evaluations_total"), [
    '{rego="cluster",outcome="deadline"} 1',
    '{rego="cluster",outcome="value"} 2',
  ]);
  assert.deepEqual(await lines(metrics, "guardbee_rego_processes"), [
    '{rego="cluster"} 2',
    '{rego="namespaced"} 0',
  ]);
  assert.deepEqual(await lines(metrics, "guardbee_rego_process_memory_bytes"), [
    '{rego="cluster"} 80',
    '{rego="namespaced"} 0',
  ]);
});

test("work is timed and counted by outcome, an error too", async () => {
  const metrics = new OperatorMetrics();
  const outcomes = [async () => done, async () => after(1), () => Promise.reject(new Error("no"))];
  const work = metrics.timed("nodes", (i: number) => outcomes[i]!());
  assert.deepEqual(await work(0), done);
  assert.deepEqual(await work(1), after(1));
  await assert.rejects(work(2), /^Error: no$/);
  assert.deepEqual(await lines(metrics, "guardbee_reconcile_total"), [
    '{queue="nodes",outcome="after"} 1',
    '{queue="nodes",outcome="done"} 1',
    '{queue="nodes",outcome="error"} 1',
  ]);
  const count = await lines(metrics, "guardbee_reconcile_duration_seconds_count");
  assert.deepEqual(count, ['{queue="nodes"} 3']);
});

test("requests are counted by verb, resource and code", async () => {
  const metrics = new OperatorMetrics();
  const path = "/apis/cilium.io/v1alpha1/tracingpolicies/a/status";
  metrics.request({ method: "PATCH", path }, { code: "ok", seconds: 0.02 });
  metrics.request({ method: "PATCH", path }, { code: 409, seconds: 0.02 });
  metrics.request({ path: "/api/v1/nodes" }, { code: "failed", seconds: 30 });
  assert.deepEqual(await lines(metrics, "guardbee_api_requests_total"), [
    '{verb="GET",resource="nodes",code="failed"} 1',
    '{verb="PATCH",resource="tracingpolicies.cilium.io/status",code="2xx"} 1',
    '{verb="PATCH",resource="tracingpolicies.cilium.io/status",code="409"} 1',
  ]);
});

test("what is read when Prometheus asks is what is so then, and nothing that was so before", async () => {
  const metrics = new OperatorMetrics();
  assert.deepEqual(await lines(metrics, "guardbee_queue_depth"), []);
  const policies = [{ kind: "ExecPolicy", ready: "True", reason: "Programmed", count: 3 }];
  const rollouts = new Map([["Halted", 1]] as const);
  let fleet: FleetCounts = { nodes: new Map([["current", 2]]), policies, rollouts };
  const depth = () => ({ later: 1, due: 2, active: 3, overdueMs: 1500 });
  const queues = () => ({ nodes: { depth } });
  metrics.follow(aSource({ fleet: () => fleet, queues, leads: () => true }));
  assert.deepEqual(await lines(metrics, "guardbee_leader"), ["1"]);
  assert.deepEqual(await lines(metrics, "guardbee_queue_delay_seconds"), ['{queue="nodes"} 1.5']);
  assert.deepEqual(await lines(metrics, "guardbee_queue_depth"), [
    '{queue="nodes",state="active"} 3',
    '{queue="nodes",state="due"} 2',
    '{queue="nodes",state="later"} 1',
  ]);
  assert.deepEqual(await lines(metrics, "guardbee_policies"), [
    '{kind="ExecPolicy",ready="True",reason="Programmed"} 3',
  ]);
  assert.deepEqual(await lines(metrics, "guardbee_rollouts"), [
    '{state="Halted"} 1',
    '{state="Paused"} 0',
    '{state="Progressing"} 0',
    '{state="Undone"} 0',
  ]);
  fleet = { nodes: new Map([["failing", 2]]), policies: [], rollouts: new Map() };
  assert.deepEqual(await lines(metrics, "guardbee_policies"), []);
  assert.deepEqual(await lines(metrics, "guardbee_nodes"), [
    '{state="current"} 0',
    '{state="failing"} 2',
    '{state="pending"} 0',
    '{state="unreachable"} 0',
    '{state="unreported"} 0',
  ]);
});
