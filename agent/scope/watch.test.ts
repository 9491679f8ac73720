import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";

import { ManualClock } from "@guardbee/kube";
import type { Pod } from "@guardbee/policy/sets";
import pino from "pino";
import { RuntimeContainers } from "./runtime-containers.ts";
import { PodWatch } from "./watch.ts";

const UID = "0a1b2c3d-1111-2222-3333-444455556666";
const APP = "b".repeat(64);

function aPod(changes: Partial<Pod> = {}): Pod {
  return {
    namespace: "web",
    name: "front",
    uid: UID,
    cgroupUid: UID,
    labels: {},
    workload: { kind: "Pod", name: "front" },
    hostPid: false,
    hostNetwork: false,
    finished: false,
    containers: [],
    ...changes,
  };
}

const withContainer = aPod({
  containers: [
    {
      name: "app",
      image: "app",
      privileged: false,
      running: { id: `containerd://${APP}`, imageId: "", live: true },
    },
  ],
});

/** A running watch of an empty kubepods folder, asleep after its first sweep. */
async function aWatch(
  t: TestContext,
  pods: readonly Pod[] = [],
  makeRuntime?: (clock: ManualClock) => RuntimeContainers,
) {
  const root = mkdtempSync(join(tmpdir(), "watch-"));
  const besteffort = join(root, "kubepods/besteffort");
  mkdirSync(besteffort, { recursive: true });
  const clock = new ManualClock();
  const stop = new AbortController();
  const published: string[][] = [];
  const watch = new PodWatch({
    cgroupRoot: root,
    ...(makeRuntime === undefined ? {} : { runtime: makeRuntime(clock) }),
    clock,
    log: pino({ level: "silent" }),
    pods,
    onChange: ({ tree }) => published.push(tree.pods.map(({ uid }) => uid)),
  });
  const run = watch.run(stop.signal);
  t.after(async () => {
    stop.abort();
    await run;
    rmSync(root, { recursive: true, force: true });
  });
  await clock.asleep(1);
  const advance = async (ms: number) => {
    await clock.advance(ms);
    await clock.asleep(1);
  };
  return { watch, clock, advance, published, podFolder: join(besteffort, `pod${UID}`) };
}

test("a pod's folder is found within 50 ms of its making", async (t) => {
  const { watch, clock, advance, podFolder } = await aWatch(t);
  watch.upsert(aPod());
  await advance(0);
  assert.deepEqual(clock.pending(), [50]);
  await advance(50);
  assert.deepEqual(watch.snapshot().tree.pods, []);
  mkdirSync(podFolder);
  await advance(50);
  assert.deepEqual(
    watch.snapshot().tree.pods.map(({ id }) => id),
    [statSync(podFolder, { bigint: true }).ino],
  );
  assert.ok((clock.pending()[0] ?? 0) > 5_000, "nothing is expected any more");
});

test("looking for a folder slows down, then stops", async (t) => {
  const { watch, clock, advance } = await aWatch(t);
  watch.upsert(aPod());
  await advance(0);
  for (let at = 0; at < 5_000; at += 50) await advance(50);
  assert.deepEqual(clock.pending(), [500]);
  for (let at = 5_000; at < 60_000; at += 500) await advance(500);
  assert.ok((clock.pending()[0] ?? 0) > 500);
});

test("a container that kubelet reported is looked for in a pod already found", async (t) => {
  const { watch, advance, podFolder } = await aWatch(t);
  mkdirSync(podFolder);
  watch.upsert(aPod());
  await advance(0);
  mkdirSync(join(podFolder, APP));
  watch.upsert(withContainer);
  await advance(0);
  assert.deepEqual(
    watch.snapshot().tree.pods.flatMap((pod) => pod.containers.map((each) => each.containerId)),
    [APP],
  );
});

test("a pod deleted by force is known until its cgroup is gone", async (t) => {
  const { watch, advance, podFolder } = await aWatch(t);
  mkdirSync(podFolder);
  watch.upsert(aPod());
  await advance(0);
  watch.remove(aPod());
  await advance(10_000);
  assert.deepEqual(watch.snapshot().pods, [aPod()]);
  rmdirSync(podFolder);
  await advance(10_000);
  assert.deepEqual(watch.snapshot(), { pods: [], tree: { ...watch.snapshot().tree, pods: [] } });
});

test("pods of an earlier run count until the list says what there is", async (t) => {
  const other = aPod({ uid: "other", cgroupUid: "other", name: "gone" });
  const { watch, advance, podFolder } = await aWatch(t, [aPod(), other]);
  mkdirSync(podFolder);
  watch.replace([withContainer]);
  await advance(10_000);
  assert.deepEqual(watch.snapshot().pods, [withContainer]);
});

test("many changes in one turn are published once", async (t) => {
  const { watch, advance, published } = await aWatch(t);
  published.length = 0;
  for (let n = 0; n < 10; n += 1) watch.upsert(aPod({ labels: { n: String(n) } }));
  await advance(0);
  assert.deepEqual(published, [[]]);
});

test("a sweep that is asked for comes at once, and the next 100 ms later", async (t) => {
  const { watch, clock, advance, podFolder } = await aWatch(t);
  await advance(1_000);
  mkdirSync(podFolder);
  watch.sweepSoon();
  await advance(0);
  assert.equal(watch.snapshot().tree.pods.length, 1);
  const sweeps = watch.sweepCount();
  watch.sweepSoon();
  watch.sweepSoon();
  await advance(0);
  assert.deepEqual([watch.sweepCount(), clock.pending()], [sweeps, [100]]);
  await advance(100);
  assert.equal(watch.sweepCount(), sweeps + 1);
});

const HASH = "00112233445566778899aabbccddeeff";
const mirror = aPod({
  uid: "mirror",
  name: "etcd",
  cgroupUid: HASH,
  createdAt: "2026-01-01T00:00:00Z",
});
const fake = aPod({
  uid: "fake",
  name: "fake",
  cgroupUid: HASH,
  createdAt: "2025-01-01T00:00:00Z",
});
/** As kubelet reports it once it runs. */
const running = { ...mirror, containers: withContainer.containers };

/** A watch of a node with a static pod that runs. */
async function aStaticPod(t: TestContext, pods: readonly Pod[] = []) {
  const watched = await aWatch(t, pods);
  const folder = join(watched.podFolder, "..", `pod${HASH}`);
  mkdirSync(join(folder, APP), { recursive: true });
  await watched.advance(10_000);
  const names = () => watched.watch.snapshot().pods.map(({ name }) => name);
  return { ...watched, folder, names };
}

test("a mirror pod has the cgroup in which one of its containers runs, and not before", async (t) => {
  const { watch, advance, names } = await aStaticPod(t);
  watch.upsert(mirror);
  await advance(0);
  assert.deepEqual(names(), []);
  watch.upsert(running);
  await advance(0);
  assert.deepEqual(names(), ["etcd"]);
  watch.upsert({ ...mirror, labels: { now: "restarting" } });
  assert.deepEqual(names(), ["etcd"], "what was found there stays, whatever runs next");
});

test("a pod that calls itself a mirror pod takes over no cgroup, first or later, and keeps none", async (t) => {
  const { watch, advance, names, folder } = await aStaticPod(t);
  watch.upsert(fake);
  await advance(0);
  assert.deepEqual(names(), []);
  watch.remove(fake);
  await advance(10_000);
  assert.deepEqual(names(), [], "nor when kubelet has deleted it");
  watch.upsert(running);
  watch.upsert(fake);
  // Even with a status that names the container: nobody takes the cgroup of a pod that is there.
  watch.upsert({ ...fake, containers: withContainer.containers });
  await advance(10_000);
  assert.deepEqual(names(), ["etcd"]);
  watch.replace([fake, running]);
  await advance(10_000);
  assert.deepEqual(names(), ["etcd"]);
  rmSync(folder, { recursive: true });
});

test("a mirror pod that is made anew takes its place, and an agent that restarts knows it", async (t) => {
  const { watch, advance, names } = await aStaticPod(t, [running]);
  assert.deepEqual(names(), ["etcd"]);
  const next = { ...running, uid: "next", name: "etcd-again" };
  watch.remove(running);
  watch.upsert(next);
  await advance(0);
  assert.deepEqual(names(), ["etcd-again"]);
});

test("of two that claim a cgroup the older one has it", async (t) => {
  const { watch, advance, names } = await aStaticPod(t);
  const older = { ...running, uid: "older", name: "older", createdAt: "2024-01-01T00:00:00Z" };
  watch.replace([running, older]);
  await advance(0);
  assert.deepEqual(names(), ["older"]);
});

test("a container that its runtime is about to start is found within 10 ms, with what the runtime says of it", async (t) => {
  const hostRoot = mkdtempSync(join(tmpdir(), "host-"));
  t.after(() => rmSync(hostRoot, { recursive: true, force: true }));
  const bundles = join(hostRoot, "run/containerd/io.containerd.runtime.v2.task/k8s.io");
  mkdirSync(bundles, { recursive: true });
  const log = pino({ level: "silent" });
  const { watch, clock, advance, podFolder } = await aWatch(t, [], (clock) => {
    return new RuntimeContainers({ hostRoot, clock, log });
  });
  mkdirSync(podFolder);
  mkdirSync(join(bundles, APP));
  const annotations = {
    ...{
      "io.kubernetes.cri.container-type": "container",
      "io.kubernetes.cri.container-name": "app",
    },
    ...{ "io.kubernetes.cri.sandbox-uid": UID, "io.kubernetes.cri.sandbox-namespace": "web" },
  };
  writeFileSync(join(bundles, APP, "config.json"), JSON.stringify({ annotations }));
  while (clock.pending()[0] !== 10) await setTimeout(1);
  mkdirSync(join(podFolder, APP));
  await advance(10);
  assert.deepEqual(
    watch.snapshot().tree.pods.flatMap(({ containers }) => containers.map((one) => one.runtime)),
    [{ podUid: UID, namespace: "web", name: "app" }],
  );
  await advance(0);
  assert.ok((clock.pending()[0] ?? 0) > 5_000, "nothing is expected any more");
});
