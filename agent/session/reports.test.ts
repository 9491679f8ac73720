import assert from "node:assert/strict";
import { test } from "node:test";

import { KubeError } from "@guardbee/kube";
import { nodeDigest } from "@guardbee/policy";
import { resourceOf } from "@guardbee/policy/sets";

import {
  aSet,
  aWorld,
  list,
  NODE,
  pass,
  putSet,
  start,
  status,
  until,
  type World,
} from "./test-node.ts";

test("edits that follow each other are reported together, five seconds after the last report", async (t) => {
  const world = aWorld(t);
  putSet(world, "a");
  list(world, "a");
  await start(world);
  await until(world, "a report", () => world.api.applied.length === 1);
  const reportedAtMs = world.clock.monotonic();
  putSet(world, "a", aSet("a", { mode: "monitor" }));
  await until(world, "the first edit", () => world.engine.desired?.sets[0]?.set.mode === "monitor");
  const hash = putSet(world, "a", aSet("a", { scope: { host: false, pods: {} } }));
  await until(world, "a second report", () => world.api.applied.length === 2);
  const tookMs = world.clock.monotonic() - reportedAtMs;
  assert.ok(tookMs >= 4_900 && tookMs < 7_000, `took ${tookMs} ms`); // the clock moves by 100 ms
  assert.equal(status(world).digest, nodeDigest([{ name: "a", hash }]));
});

test("a fleet spreads its reports: 200 a second, and never over more than half a minute", async (t) => {
  for (const [nodes, spreadMs] of [
    [1, 0],
    [2_000, 10_000],
    [7_000, 30_000],
  ] as const) {
    const world = aWorld(t);
    putSet(world, "a");
    list(world, "a");
    for (let i = 1; i < nodes; i += 1) {
      world.api.put(resourceOf("NodePolicySet"), { metadata: { name: `other-${i}` }, spec: {} });
    }
    await start(world);
    await until(world, "the set", () => world.engine.desired !== undefined);
    const programmedAtMs = world.clock.monotonic();
    await until(world, "a report", () => world.api.applied.length > 0);
    const tookMs = world.clock.monotonic() - programmedAtMs;
    const half = spreadMs / 2; // where the test's random number puts this node
    assert.ok(tookMs >= half - 200 && tookMs < half + 500, `of ${nodes}: took ${tookMs} ms`);
  }
});

test("a report that fails is written later", async (t) => {
  const world = aWorld(t);
  const failing = failReports(world, 3, new Error("connect ECONNREFUSED"));
  putSet(world, "a");
  list(world, "a");
  await start(world);
  await until(world, "a report", () => world.api.applied.length > 0);
  assert.equal(failing.failed, 3);
});

test("a report is written no sooner than a busy API server asks", async (t) => {
  const world = aWorld(t);
  const busy = { status: 429, reason: "TooManyRequests", message: "wait", retryAfterMs: 20_000 };
  const failing = failReports(world, 1, new KubeError("PATCH", busy));
  putSet(world, "a");
  list(world, "a");
  await start(world);
  await until(world, "a refusal", () => failing.failed === 1);
  const refusedAtMs = world.clock.monotonic();
  await until(world, "a report", () => world.api.applied.length > 0);
  const tookMs = world.clock.monotonic() - refusedAtMs;
  assert.ok(tookMs >= 20_000 && tookMs < 23_000, `took ${tookMs} ms`);
});

test("a status that somebody changed is written again", async (t) => {
  const world = aWorld(t);
  putSet(world, "a");
  list(world, "a");
  await start(world);
  await until(world, "a report", () => world.api.applied.length > 0);
  await pass(world, 1_000);
  const object = world.api.get(resourceOf("NodePolicySet"), NODE);
  assert.ok(object);
  world.api.put(resourceOf("NodePolicySet"), { ...object, status: { digest: "forged" } });
  await until(world, "a second report", () => world.api.applied.length > 1);
  assert.notEqual(status(world).digest, "forged");
});

/** The first reports fail with `error`; counts them. */
function failReports({ api }: World, count: number, error: Error): { failed: number } {
  const request = api.request.bind(api);
  const so = { failed: 0 };
  api.request = async (asked, signal) => {
    if (asked.method !== "PATCH" || so.failed === count) return request(asked, signal);
    so.failed += 1;
    throw error;
  };
  return so;
}
