import assert from "node:assert/strict";
import { mkdirSync, rmdirSync, rmSync } from "node:fs";
import { after, beforeEach, test } from "node:test";
import type { Scopes } from "../../../agent/engine.ts";
import { loadNative } from "../../../agent/kernel/native.ts";
import { openGuestKernel } from "../../../agent/kernel/testing/guest-kernel.ts";
import { denyWrites } from "../../../agent/kernel/testing/policies.ts";
import { Cgroup, type Ended, sh } from "../../../agent/kernel/testing/scene.ts";
import { testProgram } from "../../../agent/kernel/testing/test-program.ts";
import { podRoots } from "../../../agent/scope/cgroups.ts";

// Who a process belongs to, whatever cgroups a pod makes and whoever is away meanwhile.

const kernel = await openGuestKernel();
after(() => kernel.close());
const { engine } = kernel;

const folder = "/tmp/scoped";
const deny = denyWrites({ prefix: `${folder}/` });
const sets = [deny.name];
const write = `echo hi >${folder}/x; echo survived`;
const killed: Ended = { code: null, signal: "SIGKILL", out: "" };
const survived: Ended = { code: 0, signal: null, out: "survived\n" };

const kubepods = new Cgroup("/sys/fs/cgroup/kubepods");
const burstable = kubepods.child("burstable");
// Other files of this guest make folders of pods, too.
const roots = (await podRoots("/sys/fs/cgroup")).filter(({ path }) => path === kubepods.path);
let pods = 0;
beforeEach(() => {
  mkdirSync(folder, { recursive: true });
  pods += 1;
});

/** A pod's folder that no test had before. */
function aPod(above: Cgroup = burstable): Cgroup {
  return above.child(`pod${pods}-${process.hrtime.bigint()}`);
}

/** Has `deny` hold there alone. */
async function holdIn(scopes: Partial<Scopes>): Promise<void> {
  await kernel.program([deny], { host: [], podRoots: roots, ...scopes });
}

test("the folder of pods is found, and how deep it is", () => {
  const found = roots.map(({ id, path, level }) => ({ id, path, level }));
  assert.deepEqual(found, [{ id: kubepods.id, path: kubepods.path, level: 1 }]);
});

for (const above of [kubepods, burstable]) {
  test(`cgroups that a container made are its own, before the policy and after, in ${above.path}`, async () => {
    const pod = aPod(above);
    const container = pod.child("container");
    const before = container.child("1").child("2").child("3");
    await holdIn({ cgroups: [pod, container].map(({ id }) => ({ id, sets })) });
    assert.deepEqual(await before.sh(write), killed);
    assert.deepEqual(await container.child("4").child("5").sh(write), killed);
    assert.deepEqual(await pod.child("other").child("6").sh(write), killed);
    assert.deepEqual(await container.sh(write), killed);
    assert.deepEqual(await aPod(above).sh(write), survived, "another pod");
    assert.deepEqual(await sh(write), survived, "the host");
  });
}

test("of 5,000 cgroups in a container the last has what the container has, also when that changes", async () => {
  const [pod, other] = [aPod(), aPod()];
  const container = pod.child("container");
  await holdIn({ cgroups: [{ id: container.id, sets: [] }] });
  const nested = Array.from({ length: 5_000 }, (_, i) => `${container.path}/${i + 1}`);
  for (const path of nested) mkdirSync(path);
  const last = container.child("5000");
  assert.deepEqual(await last.sh(write), survived);
  await engine.assign({
    ...{ host: [], podRoots: roots, unknownPods: [] },
    cgroups: [container, other].map(({ id }) => ({ id, sets })),
  });
  assert.deepEqual(await last.sh(write), killed);
  assert.deepEqual(await last.child("below").sh(write), killed);
  rmdirSync(`${last.path}/below`);
  for (const path of nested) rmdirSync(path);
});

test("a container has its own policies and not its pod's; what is between has the pod's", async () => {
  const pod = aPod();
  const [exempt, named] = [pod.child("exempt"), pod.child("named")];
  await holdIn({
    cgroups: [
      { id: pod.id, sets: [] },
      { id: exempt.id, sets: [] },
      { id: named.id, sets },
    ],
  });
  assert.deepEqual(await exempt.child("1").sh(write), survived);
  assert.deepEqual(await named.child("1").sh(write), killed);
  assert.deepEqual(await pod.child("new").sh(write), survived);
});

test("below the folder of pods nothing is the host's: who is in no pod that is known is in an unknown one", async () => {
  const exempt = aPod();
  await holdIn({ unknownPods: sets, cgroups: [{ id: exempt.id, sets: [] }] });
  for (const cgroup of [kubepods, burstable, aPod(), aPod().child("container").child("1")]) {
    assert.deepEqual(await cgroup.sh(write), killed, cgroup.path);
  }
  assert.deepEqual(await exempt.child("container").sh(write), survived);
  assert.deepEqual(await sh(write), survived, "the host");
  const beside = new Cgroup("/sys/fs/cgroup/system").child("kubepods").child("pod");
  assert.deepEqual(await beside.sh(write), survived, "another folder of that name");
});

test("where pods have several folders, or nobody knows how deep theirs is, it is the same", async () => {
  for (const podRoots of [
    roots.map(({ id }) => ({ id })),
    [...roots, { id: 1n << 40n, level: 2 }],
  ]) {
    const [pod, exempt] = [aPod(), aPod()];
    const cgroups = [
      { id: pod.id, sets },
      { id: exempt.id, sets: [] },
    ];
    await holdIn({ podRoots, unknownPods: sets, cgroups });
    assert.deepEqual(await pod.child("1").child("2").child("3").child("4").sh(write), killed);
    assert.deepEqual(await aPod().child("1").sh(write), killed);
    assert.deepEqual(await exempt.child("1").child("2").sh(write), survived);
    assert.deepEqual(await sh(write), survived, "the host");
  }
});

test("a full table of cgroups makes no pod the host's, and says which pods it left out", async () => {
  const [pod, exempt, late] = [aPod(), aPod(), aPod()];
  const known = [
    { id: pod.id, sets },
    { id: exempt.id, sets: [] },
  ];
  await holdIn({ unknownPods: sets, cgroups: known });
  fill();
  assert.deepEqual(await pod.child("1").child("2").child("3").sh(write), killed);
  assert.deepEqual(await aPod().child("container").sh(write), killed);
  assert.deepEqual(await exempt.child("1").sh(write), survived);
  assert.deepEqual(await sh(write), survived, "the host");
  const cgroups = [...known, { id: late.id, sets: [] }];
  await engine.assign({ host: [], podRoots: roots, unknownPods: sets, cgroups });
  assert.deepEqual([...engine.unassigned()], [[late.id, "E2BIG"]]);
  assert.deepEqual(await late.sh(write), killed, "as a pod that is not known");
});

test("pods that come while the agent is dead are covered from their first instruction", async () => {
  await kernel.program([]);
  const bpffs = `${kernel.bpffs}-dead`;
  mkdirSync(bpffs, { recursive: true });
  const dying = testProgram("agent/kernel/testing/agent-that-dies.ts");
  const died = await sh(`"${process.execPath}" ${dying} ${bpffs} ${folder}/ ${kubepods.path}`);
  assert.equal(died.code, 137);
  for (let i = 0; i < 5; i++) {
    const pod = aPod();
    assert.deepEqual(await pod.sh(write), killed);
    assert.deepEqual(await pod.child("container").child("1").sh(write), killed);
  }
  assert.deepEqual(await sh(write), survived, "the host");
  rmSync(bpffs, { recursive: true });
});

/** Fills the table of cgroups with some that are not there. */
function fill(): void {
  const native = loadNative();
  const { maxEntries } = native.mapInfo(engine.maps.cgroup_class);
  const ids = BigUint64Array.from({ length: maxEntries }, (_, i) => (1n << 40n) + BigInt(i));
  const classes = Uint32Array.from({ length: maxEntries }, () => 1);
  const bytes = [new Uint8Array(ids.buffer), new Uint8Array(classes.buffer)] as const;
  const full = { code: "E2BIG" };
  assert.throws(() => native.updateBatch(engine.maps.cgroup_class, ...bytes, maxEntries), full);
}
