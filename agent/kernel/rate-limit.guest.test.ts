import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Action } from "@guardbee/policy";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { aSet, onGetpriority, policyIn, when } from "./testing/policies.ts";
import { run } from "./testing/scene.ts";

const kernel = await openGuestKernel();
const { engine, events } = kernel;
after(() => kernel.close());

type Per = "thread" | "process" | "global";
const post = (every: number, per: Per): Action => ({ action: "Post", every, per });
const limited = (...actions: readonly Action[]) => aSet("p", onGetpriority({ ...when(), actions }));

/** Runs `script` in a process with `os`, and in a thread of its own when it calls `thread()`. */
function node(script: string): Promise<unknown> {
  return run("node", "-e", script);
}

/** What is reported while `scene` runs, and what was held back of it. */
async function seen(scene: () => unknown) {
  const before = engine.losses().rate_limited;
  const { hooks } = await events.during(scene);
  return { hooks, heldBack: Number(engine.losses().rate_limited - before) };
}

test("of alike calls of a thread one is reported, and others are counted", async () => {
  await kernel.program([limited(post(3600, "thread"))]);
  const script = "for (let i = 0; i < 20; i++) os.getPriority(0)";
  const { hooks, heldBack } = await seen(async () => {
    await node(script);
    await node(script);
  });
  assert.deepEqual(
    hooks.map(({ action }) => action),
    ["Post", "Post"],
  );
  assert.equal(heldBack, 38);
});

test("calls with other arguments are not alike", async () => {
  await kernel.program([limited(post(3600, "global"))]);
  const { hooks, heldBack } = await seen(() =>
    node("for (let i = 0; i < 3; i++) { os.getPriority(0); os.getPriority(process.pid) }"),
  );
  assert.deepEqual([hooks.length, heldBack], [2, 4]);
});

test("threads of a process are told apart, unless the scope is the process; processes, unless all", async () => {
  const threads = `const { Worker } = require("worker_threads");
    const script = 'require("os").getPriority(0); require("os").getPriority(0)';
    os.getPriority(0);
    new Worker(script, { eval: true })`;
  for (const [per, want] of [
    ["thread", 4],
    ["process", 2],
    ["global", 1],
  ] as const) {
    await kernel.program([limited(post(3600, per))]);
    const { hooks, heldBack } = await seen(async () => {
      await node(threads);
      await node(threads);
    });
    assert.deepEqual([per, hooks.length, heldBack], [per, want, 6 - want]);
  }
});

test("a period ends, and the next call goes out", async () => {
  await kernel.program([limited(post(1, "thread"))]);
  const { hooks, heldBack } = await seen(() =>
    node("os.getPriority(0); setTimeout(() => os.getPriority(0), 1200)"),
  );
  assert.deepEqual([hooks.length, heldBack], [2, 0]);
});

test("what stops, stops each call, reported or not", async () => {
  const signal: Action = { action: "Signal", signal: 28 }; // SIGWINCH, which ends nothing
  const set = limited(signal, post(3600, "thread"));
  await kernel.program([set]);
  const { hooks, heldBack } = await seen(() =>
    node("for (let i = 0; i < 10; i++) os.getPriority(0)"),
  );
  assert.deepEqual([hooks.length, heldBack], [1, 9]);
  assert.equal(engine.stops(new Set([set.name])).get(set.name)?.stopped, 10);
});

test("paths are told apart by their beginning and their length", async () => {
  await kernel.program([
    policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: opened }
spec:
  kprobes:
  - call: security_file_open
    syscall: false
    args: [{ index: 0, type: file }]
    selectors:
    - matchArgs: [{ index: 0, operator: Prefix, values: [/tmp/rate/] }]
      matchActions: [{ action: Post, rateLimit: 1h, rateLimitScope: global }]
`),
  ]);
  const long = "x".repeat(40);
  const names = ["a", "b", "a", `${long}a`, `${long}b`, `${long}ab`];
  const { hooks, heldBack } = await seen(() =>
    node(`fs.mkdirSync("/tmp/rate", { recursive: true });
      for (const name of ${JSON.stringify(names)}) fs.writeFileSync("/tmp/rate/" + name, "")`),
  );
  assert.deepEqual([hooks.length, heldBack], [4, 2]);
});
