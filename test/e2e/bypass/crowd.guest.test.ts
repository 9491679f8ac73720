import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { after, type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { NamedSet } from "../../../agent/engine.ts";
import { enums } from "../../../agent/gen/layout.ts";
import type { LossCause } from "../../../agent/kernel/losses.ts";
import { openGuestKernel } from "../../../agent/kernel/testing/guest-kernel.ts";
import { denyWrites, policyIn } from "../../../agent/kernel/testing/policies.ts";
import { Cgroup, type Ended, sh } from "../../../agent/kernel/testing/scene.ts";
import { buildCrowd } from "./attempts.ts";

// Pod A takes all the room that it can have; what holds in pod B, and in C that comes later, goes on.

const { TRACKED_SOCKS_OF_POD } = enums.tracked_limit;
const { WAITING_OF_POD } = enums.waiting_limit;
const kernel = await openGuestKernel();
const { engine, events } = kernel;
after(() => kernel.close());
assert.equal((await sh("ip link set lo up")).code, 0);

const crowd = "/tmp/bypass/crowd";
mkdirSync("/tmp/bypass", { recursive: true });
buildCrowd(crowd);

const pods = new Cgroup("/sys/fs/cgroup/guardbee-crowd-kubepods");
const besteffort = pods.child("besteffort");
const [podA, podB] = [besteffort.child("pod-a"), besteffort.child("pod-b")];
const [a, b] = [podA.child("app"), podB.child("app")];
let later = 0;
/** A pod that nobody knows yet. */
const podC = () => besteffort.child(`pod-c${later++}`).child("app");

const folder = "/tmp/crowd/";
const file = `${folder}x`;
const deny = denyWrites({ prefix: folder });
const killed: Ended = { code: null, signal: "SIGKILL", out: "" };
const survived: Ended = { code: 0, signal: null, out: "survived\n" };
const write = `echo forbidden >>${file}; echo survived`;

async function program(...sets: readonly NamedSet[]): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const names = sets.map(({ name }) => name).sort();
  const states = await kernel.program(sets, {
    host: [],
    podRoots: [{ id: pods.id, level: 1, qosFolders: [besteffort.id] }],
    unknownPods: names,
    cgroups: [podA, a, podB, b].map(({ id }) => ({ id, sets: names })),
  });
  for (const state of states) assert.equal(state.state, "programmed", JSON.stringify(state));
}

/** Runs crowd.c in pod A until the test is over. */
async function crowds(t: TestContext, ...args: readonly (string | number)[]): Promise<void> {
  const script = `echo 0 >${a.path}/cgroup.procs; exec ${crowd} ${args.join(" ")}`;
  const child = spawn("/bin/sh", ["-c", script], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "close");
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  await once(child.stdout, "data");
}

/** Waits until as much of that was lost. */
async function lost(cause: LossCause, before: bigint, count: number): Promise<void> {
  while (engine.losses()[cause] < before + BigInt(count)) await setTimeout(100);
}

/** What a policy forbids is stopped in the pods that A is not. */
async function othersAreCovered(): Promise<void> {
  for (const cgroup of [b, podC()]) assert.deepEqual(await cgroup.sh(write), killed, cgroup.path);
  assert.equal(readFileSync(file, "utf8"), "");
}

test("whose sockets fill its share of those that are tracked takes none of other pods'", async (t) => {
  const on = (name: string, call: string, actions: string) =>
    policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: ${name} }
spec:
  kprobes:
  - call: ${call}
    syscall: false
    args: [{ index: 0, type: sock }]
    selectors: [{ matchActions: [${actions}] }]
`);
  const track = "{ action: TrackSock, argSock: 0 }, { action: NoPost }";
  const send = on("send", "tcp_sendmsg", "{ action: Post }");
  await program(deny, on("connect", "tcp_connect", track), send);
  const before = engine.losses().track_full;
  const beyond = 20;
  await crowds(t, "sockets", 1, TRACKED_SOCKS_OF_POD + beyond);
  assert.equal(engine.losses().track_full, before + BigInt(beyond));
  assert.deepEqual(engine.crowding().get("track_full"), [podA.id]);
  for (const cgroup of [b, podC()]) {
    const { out, pids } = await senders(cgroup);
    assert.deepEqual(pids, [Number(out)], "who connected, not who writes");
  }
  assert.equal(engine.losses().track_full, before + BigInt(beyond));
  await othersAreCovered();
});

/** The pid of who connects, and what events have as that of the child that writes to its socket. */
async function senders(cgroup: Cgroup) {
  const script = `
    const server = require("net").createServer((end) => { end.destroy(); server.close() });
    server.listen(0, "127.0.0.1", () => {
      const socket = require("net").connect(server.address().port, "127.0.0.1", () => {
        const stdio = ["ignore", socket._handle.fd, "ignore"];
        require("child_process").spawnSync("/bin/echo", ["text"], { stdio });
        console.log(process.pid);
        socket.destroy();
      });
      socket.on("error", () => {});
    });`;
  let out = "";
  const { hooks } = await events.during(async () => {
    ({ out } = await cgroup.sh(`exec ${process.execPath} -e '${script}'`));
  });
  return { out, pids: hooks.filter(({ call }) => call === "tcp_sendmsg").map(({ pid }) => pid) };
}

/** A policy on what opens of the folder's files return; `more`: of its selector. */
function onOpens(name: string, more = ""): NamedSet {
  return policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: ${name} }
spec:
  kprobes:
  - call: sys_openat
    return: true
    returnArg: { index: 0, type: int }
    args: [{ index: 1, type: string }]
    selectors:
    - matchArgs: [{ index: 1, operator: Prefix, values: [${folder}] }]
      ${more}
`);
}

test("whose calls fill its share of those that events wait for is closed, and nobody else", async (t) => {
  const opened = onOpens("opened");
  const fifo = `${folder}fifo`;
  await program(opened);
  const before = engine.losses().return_full;
  const beyond = 20;
  await sh(`mkfifo ${fifo}`);
  await crowds(t, "opens", fifo, WAITING_OF_POD + beyond);
  await lost("return_full", before, beyond);
  assert.deepEqual(engine.crowding().get("return_full"), [podA.id]);
  for (const cgroup of [b, podC()]) {
    const { hooks } = await events.during(() => cgroup.sh(`: <${folder}none || true`));
    const returned = hooks.map((one) => one.returned !== undefined && "value" in one.returned);
    assert.deepEqual(returned, [true], cgroup.path);
  }
  assert.equal(engine.losses().return_full, before + BigInt(beyond));
});

test("a policy that stops at the return stops whom there is no room for, and no other pod's", async (t) => {
  const stopping = onOpens(
    "stopping",
    `matchReturnArgs: [{ index: 0, operator: Equal, values: ["-2"] }]
      matchReturnActions: [{ action: Sigkill }]`,
  );
  const fifo = `${folder}fifo`;
  await program(stopping);
  await sh(`mkfifo ${fifo}; touch ${folder}there`);
  const all = ["opens", fifo, String(WAITING_OF_POD + 1)];
  assert.equal((await a.sh(`exec ${crowd} ${all.join(" ")}`)).signal, "SIGKILL", "one too many");
  await crowds(t, "opens", fifo, WAITING_OF_POD);
  while (kernel.waiting() < WAITING_OF_POD) await setTimeout(100);
  for (const cgroup of [b, podC()]) {
    assert.deepEqual(await cgroup.sh(`: <${folder}there; echo survived`), survived, cgroup.path);
    assert.deepEqual(await cgroup.sh(`: <${folder}none; echo survived`), killed, cgroup.path);
  }
  assert.deepEqual(await a.sh(`: <${folder}there; echo survived`), killed, "A itself");
});

test("so many processes of one pod leave each of another its record, and their own newest has one", async (t) => {
  await program(deny);
  const before = engine.losses().process_storage;
  await crowds(t, "processes", 3_000);
  await othersAreCovered();
  assert.deepEqual(await a.sh(write), killed);
  assert.equal(engine.losses().process_storage, before);
});

test("whoever fills the memory of processes without their first thread hides no program", async (t) => {
  const list = policyIn(`
apiVersion: cilium.io/v1alpha1
kind: ExecPolicy
metadata: { name: listed }
spec:
  rules:
    selectors:
    - matchBinarys: { operator: In, values: [/tmp/bypass/forbidden] }
    - matchActions: [{ action: Sigkill }]
`);
  const forbidden = "/tmp/bypass/forbidden";
  await sh(`cp /bin/true ${forbidden}`);
  await program(list);
  await crowds(t, "leaderless", 600);
  for (const cgroup of [a, b, podC()]) {
    assert.deepEqual(await cgroup.sh(`exec ${crowd} exec ${forbidden}`), killed, cgroup.path);
    assert.equal((await cgroup.sh(`exec ${crowd} exec /bin/true`)).code, 0, cgroup.path);
  }
});
