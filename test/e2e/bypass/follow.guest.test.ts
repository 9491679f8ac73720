import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { after, beforeEach, type TestContext, test } from "node:test";
import type { NamedSet } from "../../../agent/engine.ts";
import { loadNative } from "../../../agent/kernel/native.ts";
import { openGuestKernel } from "../../../agent/kernel/testing/guest-kernel.ts";
import { denyWrites, inMode } from "../../../agent/kernel/testing/policies.ts";
import { Cgroup, type Ended } from "../../../agent/kernel/testing/scene.ts";
import { buildFollow } from "./attempts.ts";

const podFiles = 16;
const kernel = await openGuestKernel({ podFiles });
after(() => kernel.close());
const { engine } = kernel;

const follow = "/tmp/bypass/follow";
mkdirSync("/tmp/bypass", { recursive: true });
buildFollow(follow);

const folder = "/tmp/follow";
const file = `${folder}/x`;
const deny = denyWrites({ prefix: `${folder}/` });
const pods = new Cgroup("/sys/fs/cgroup/kubepods");
const besteffort = pods.child("besteffort");
const podRoots = [{ id: pods.id, level: 1, qosFolders: [besteffort.id] }];
const [podA, podB] = [besteffort.child("pod-a"), besteffort.child("pod-b")];
const [a, b] = [podA.child("app"), podB.child("app")];

async function program(...sets: readonly NamedSet[]): Promise<void> {
  const names = sets.map(({ name }) => name).sort();
  const ids = [podA, podB].map(({ id }) => ({ id, sets: names }));
  const states = await kernel.program(sets, {
    host: [],
    ...{ podRoots, unknownPods: names },
    cgroups: [...ids, ...[a, b].map(({ id }) => ({ id, sets: names }))],
  });
  for (const state of states) assert.equal(state.state, "programmed", JSON.stringify(state));
}

beforeEach(async () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  writeFileSync(file, "");
  await program(); // nobody follows: what was counted is forgotten
  await program(deny);
});

/** A process of that cgroup has the file open so often, until the test is over. */
async function holds(t: TestContext, cgroup: Cgroup, count: number): Promise<() => Promise<void>> {
  const script = `echo 0 >${cgroup.path}/cgroup.procs; exec ${follow} hold ${file} ${count}`;
  const child = spawn("/bin/sh", ["-c", script], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "close");
  await once(child.stdout, "data");
  const end = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  t.after(end);
  return end;
}

const killed: Ended = { code: null, signal: "SIGKILL", out: "" };
const survived: Ended = { code: 0, signal: null, out: "survived\n" };
const read = `: <${file}; echo survived`;
const write = `echo forbidden >>${file}; echo survived`;

test("where a pod has as many followed files open as a pod may, what opens more is killed; other pods are not", async (t) => {
  const end = await holds(t, a, podFiles);
  assert.deepEqual(await a.sh(read), killed, "the same pod");
  assert.deepEqual(await podA.child("other").sh(write), killed, "another container of it");
  assert.deepEqual(await a.sh(`: </etc/passwd; echo survived`), survived, "of another file");
  const podC = pods.child("pod-c").child("app");
  for (const cgroup of [b, podC]) {
    assert.deepEqual(await cgroup.sh(read), survived, cgroup.path);
    assert.deepEqual(await cgroup.sh(write), killed, cgroup.path);
  }
  assert.equal(readFileSync(file, "utf8"), "");
  assert.deepEqual(
    [...engine.unfollowed()],
    [[podA.id, { overShare: 2, overTable: 0, sets: [deny.name] }]],
  );
  await end();
  assert.deepEqual(await a.sh(read), survived, "once there is room again");
  assert.deepEqual(await a.sh(write), killed);
});

test("the node's own processes are in no pod's share", async (t) => {
  const host = new Cgroup("/sys/fs/cgroup/system.slice/follow");
  const sets = [deny.name];
  await kernel.program([deny], { host: sets, podRoots, unknownPods: sets });
  await holds(t, host, 3 * podFiles);
  assert.deepEqual(await host.sh(read), survived);
  assert.deepEqual(await host.sh(write), killed);
});

test("who shares descriptors with what opened an unfollowable file is killed at its next write", async (t) => {
  const other = `echo hi >/tmp/bypass/other; echo survived`;
  await holds(t, a, podFiles);
  assert.deepEqual(await a.sh(`exec ${follow} share ${file}`), killed);
  assert.equal(readFileSync(file, "utf8"), "");
  assert.deepEqual(await a.sh(other), survived, "who shares none writes what is not followed");
});

test("a file that cannot be followed is sent to nobody who could write it", async (t) => {
  await holds(t, a, podFiles);
  const { out } = await b.sh(`exec ${follow} send ${a.path}/cgroup.procs ${file} 100`);
  const [, had, wrote] = out.match(/^had (\d+) wrote (\d+)\n$/) ?? [];
  t.diagnostic(`${had} of 100 had it`);
  assert.equal(wrote, "0");
  assert.equal(readFileSync(file, "utf8"), "");
});

test("monitor mode stops nothing, and counts what it would have", async (t) => {
  const monitoring = inMode("monitor", deny);
  await program(monitoring);
  await holds(t, a, podFiles);
  const { hooks } = await kernel.events.during(async () => {
    assert.deepEqual(await a.sh(read), survived);
  });
  const [opened] = hooks.filter(({ call, wouldStop }) => call === "fd_install" && wouldStop);
  assert.deepEqual(
    { action: opened?.action, monitored: opened?.monitored, stopped: opened?.stopped },
    { action: "FollowFD", monitored: true, stopped: false },
  );
  const counted = engine.stops(new Set([monitoring.name])).get(monitoring.name)!;
  assert.deepEqual([counted.stopped, counted.wouldStop], [0, 1]);
  assert.equal(engine.unfollowed().get(podA.id)?.overShare, 1);
});

test("with a full table who opens a file to follow is killed, whichever pod it is in", async (t) => {
  const native = loadNative();
  const { followed } = engine.maps;
  const { maxEntries, valueSize } = native.mapInfo(followed);
  const keys = new BigUint64Array(maxEntries).map((_, i) => BigInt(8 * i + 8));
  const values = new Uint8Array(valueSize * maxEntries);
  native.updateBatch(followed, new Uint8Array(keys.buffer), values, maxEntries);
  t.after(() => program());
  assert.deepEqual(await a.sh(write), killed);
  assert.deepEqual(await b.sh(read), killed);
  assert.deepEqual(await pods.child("pod-d").sh(read), killed);
  assert.equal(readFileSync(file, "utf8"), "");
  const { overShare, overTable } = engine.unfollowed().get(podB.id)!;
  assert.deepEqual([overShare, overTable], [0, 1]);
  assert.ok(engine.losses().follow_full >= 3n);
});
