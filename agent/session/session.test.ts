import assert from "node:assert/strict";
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { resources } from "@guardbee/kube";
import { nodeDigest } from "@guardbee/policy";
import { resourceOf } from "@guardbee/policy/sets";

import {
  aSet,
  aWorld,
  isProgrammed,
  list,
  NODE,
  pass,
  programmed,
  putSet,
  putSets,
  saved,
  start,
  status,
  UID,
  until,
} from "./test-node.ts";

test("a node programs what its NodePolicySet lists and reports it once", async (t) => {
  const world = aWorld(t);
  const hash = putSet(world, "a");
  putSet(world, "unlisted");
  list(world, "a");
  await start(world);
  await until(world, "a report", () => world.api.applied.length > 0);
  await pass(world, 30_000);
  assert.deepEqual(
    world.engine.calls.filter((call) => call !== "assign"),
    [{ program: ["a"] }],
  );
  const [report, ...more] = world.api.applied;
  assert.deepEqual(more, []);
  assert.deepEqual(report, {
    path: `/apis/guardbee.io/v1alpha1/nodepolicysets/${NODE}/status`,
    body: {
      apiVersion: "guardbee.io/v1alpha1",
      kind: "NodePolicySet",
      metadata: { name: NODE, uid: `uid-${NODE}` },
      status: {
        observedGeneration: 1,
        digest: nodeDigest([{ name: "a", hash }]),
        sets: { programmed: 1, failed: 0, pending: 0 },
        kernel: { release: "6.12.0", arch: "x86_64", features: ["btf"] },
        agentVersion: "1.2.3",
      },
    },
  });
});

test("a new node lists its sets once, and fetches a later change alone", async (t) => {
  const world = aWorld(t);
  const names = Array.from({ length: 20 }, (_, i) => `set-${i}`).sort();
  for (const name of names) putSet(world, name);
  list(world, ...names);
  const asked: string[] = [];
  const request = world.api.request.bind(world.api);
  world.api.request = async (each, signal) => {
    if (each.path.includes("/selectorsets") && each.accept === undefined) asked.push(each.path);
    return request(each, signal);
  };
  await start(world);
  await until(world, "all sets", () => isProgrammed(world, ...names));
  const hash = putSet(world, "set-7", aSet("set-7", { mode: "monitor" }));
  const held = () => world.engine.desired?.sets.find(({ name }) => name === "set-7")?.hash;
  await until(world, "the edit", () => held() === hash);
  const collection = "/apis/guardbee.io/v1alpha1/selectorsets";
  assert.deepEqual(asked, [collection, `${collection}/set-7`]);
});

test("an edited set is programmed with its new content, and a set taken off the list goes", async (t) => {
  const world = aWorld(t);
  putSet(world, "a");
  putSet(world, "b");
  list(world, "a", "b");
  await start(world);
  await until(world, "both", () => isProgrammed(world, "a", "b"));
  const hash = putSet(world, "a", aSet("a", { mode: "monitor" }));
  await until(world, "the edit", () => world.engine.desired?.sets[0]?.hash === hash);
  list(world, "a");
  await until(world, "the removal", () => isProgrammed(world, "a"));
  await until(world, "the report", () => status(world).observedGeneration === 2);
  assert.equal(status(world).digest, nodeDigest([{ name: "a", hash }]));
  await until(world, "old contents removed", () => saved(world).join() === `${hash}.json`);
});

test("a listed set that is not there is pending, and is programmed when it comes", async (t) => {
  const world = aWorld(t);
  putSet(world, "a");
  list(world, "a", "late");
  await start(world);
  await until(world, "a report", () => world.api.applied.length > 0);
  assert.deepEqual(status(world).sets, { programmed: 1, failed: 0, pending: 1 });
  assert.deepEqual(status(world).exceptions, [
    {
      set: "late",
      hash: "",
      state: "pending",
      reason: "NotFound",
      message: "SelectorSet late is not here yet",
    },
  ]);
  putSet(world, "late");
  await until(world, "the late set", () => isProgrammed(world, "a", "late"));
  await until(world, "its report", () => status(world).exceptions === undefined);
});

test("sets that cannot be used or programmed are named, and the others hold", async (t) => {
  const world = aWorld(t);
  const bad = { hash: "h", sets: [{ ...aSet("bad"), hooks: [{ on: { kind: "moon" } }] }] };
  world.api.put(resourceOf("SelectorSet"), { metadata: { name: "bad" }, spec: bad });
  world.api.put(resourceOf("SelectorSet"), { metadata: { name: "empty" } });
  const hash = putSet(world, "good");
  const failing = putSet(world, "lacking");
  world.engine.failing.add("lacking");
  list(world, "bad", "empty", "good", "lacking");
  const { session } = await start(world);
  await until(world, "a report", () => world.api.applied.length > 0);
  assert.equal(status(world).digest, nodeDigest([{ name: "good", hash }]));
  assert.deepEqual(status(world).exceptions, [
    {
      set: "bad",
      hash: "h",
      state: "failed",
      reason: "LoadFailed",
      message:
        'spec.sets[0].hooks[0].on.kind: is "moon"; allowed: kprobe, exec, lsm, functions, uprobe, usdt, rawTracepoint, tracepoint (and 2 more); use an operator of this agent\'s version',
    },
    {
      set: "empty",
      hash: "",
      state: "failed",
      reason: "LoadFailed",
      message: `spec.sets: is empty; write a list: each item on a line of its own after "- "; use an operator of this agent's version`,
    },
    {
      set: "lacking",
      hash: failing,
      state: "failed",
      reason: "KernelLacks",
      message: "no error injection",
    },
  ]);
  assert.equal(session.ready(), true, "no try again mends these");
});

test("an object of several sets is held when all of them are", async (t) => {
  const world = aWorld(t);
  const [a, b] = ["regopolicy.r#tracingpolicy.a", "regopolicy.r#tracingpolicy.b"] as const;
  const hash = putSets(world, "regopolicy.r", [aSet("a"), aSet("b")]);
  world.engine.failing.add(b);
  list(world, "regopolicy.r");
  await start(world);
  await until(world, "a report", () => status(world).exceptions !== undefined);
  assert.deepEqual(programmed(world), [a, b]);
  assert.equal(status(world).digest, nodeDigest([]));
  assert.deepEqual(status(world).exceptions, [
    {
      set: "regopolicy.r",
      hash,
      state: "failed",
      reason: "KernelLacks",
      message: "tracingpolicy.b: no error injection",
    },
  ]);
  world.engine.failing.clear();
  const next = putSets(world, "regopolicy.r", [aSet("a"), aSet("b"), aSet("c")]);
  const all = nodeDigest([{ name: "regopolicy.r", hash: next }]);
  await until(world, "all three", () => status(world).digest === all);
  const none = putSets(world, "regopolicy.r", []);
  const empty = nodeDigest([{ name: "regopolicy.r", hash: none }]);
  await until(world, "an object of no set", () => status(world).digest === empty);
  assert.deepEqual(programmed(world), []);
});

test("more than 50 exceptions are counted, not listed", async (t) => {
  const world = aWorld(t);
  const names = Array.from({ length: 60 }, (_, n) => `s${String(n).padStart(2, "0")}`);
  list(world, ...names);
  await start(world);
  await until(world, "a report", () => world.api.applied.length > 0);
  assert.equal((status(world).exceptions as unknown[]).length, 50);
  assert.equal(status(world).exceptionsOmitted, 10);
});

test("pods and their cgroups only move scopes", async (t) => {
  const world = aWorld(t);
  putSet(world, "web", aSet("web", { scope: { host: false, pods: { namespaces: ["web"] } } }));
  list(world, "web");
  await start(world);
  await until(world, "the set", () => isProgrammed(world, "web"));
  world.api.put(resources.pod, {
    metadata: { namespace: "web", name: "front", uid: UID },
    spec: { nodeName: NODE, containers: [] },
  });
  await pass(world, 200);
  const podFolder = join(world.cgroups, `kubepods/besteffort/pod${UID}`);
  mkdirSync(podFolder);
  const { ino } = statSync(podFolder, { bigint: true });
  await until(
    world,
    "the pod's scope",
    () =>
      world.engine.scopes?.cgroups.some(({ id, sets }) => id === ino && sets.join() === "web") ===
      true,
  );
  assert.equal(world.engine.calls.filter((call) => call !== "assign").length, 1);
});

test("a kernel that cannot be programmed is reported and tried again", async (t) => {
  const world = aWorld(t);
  const hash = putSet(world, "a");
  list(world, "a");
  world.engine.broken = true;
  const { session } = await start(world);
  await until(world, "a report", () => world.api.applied.length > 0);
  assert.deepEqual(status(world).exceptions, [
    { set: "a", hash, state: "failed", reason: "LoadFailed", message: "bpf: EPERM" },
  ]);
  assert.equal(session.ready(), false);
  world.engine.broken = false;
  await until(world, "the set", () => isProgrammed(world, "a"));
  await until(world, "readiness", () => session.ready());
  await until(world, "its report", () => status(world).exceptions === undefined);
});

test("what failed halfway is not left in force when the policy is again as it was", async (t) => {
  const world = aWorld(t);
  const hash = putSet(world, "a");
  list(world, "a");
  await start(world);
  await until(world, "the set", () => isProgrammed(world, "a"));
  world.engine.broken = true;
  const edited = putSet(world, "a", aSet("a", { mode: "monitor" }));
  const before = world.engine.calls.length;
  await until(world, "the edit", () => world.engine.calls.length > before);
  assert.notEqual(edited, hash);
  assert.equal(putSet(world, "a"), hash);
  world.engine.broken = false;
  const { length } = world.engine.programmed;
  await until(world, "the version before", () => world.engine.programmed.length > length);
  assert.equal(world.engine.desired?.sets[0]?.hash, hash);
});

test("a set that the kernel was too busy for is tried again, ever more rarely", async (t) => {
  const world = aWorld(t);
  putSet(world, "a");
  list(world, "a");
  world.engine.busy.add("a");
  const { session } = await start(world);
  await until(world, "a report", () => world.api.applied.length > 0);
  assert.equal(session.ready(), false);
  const tries = () => world.engine.calls.filter((call) => call !== "assign").length;
  const before = tries();
  await pass(world, 100_000);
  assert.ok(tries() > before && tries() <= 8, `${tries()} tries in 100 s`);
  world.engine.busy.clear();
  await until(world, "its report", () => status(world).exceptions === undefined);
  assert.equal(session.ready(), true);
  const after = tries();
  await pass(world, 200_000);
  assert.equal(tries(), after);
});
