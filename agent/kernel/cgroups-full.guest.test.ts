import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, test } from "node:test";
import { loadNative } from "./native.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { denyWrites } from "./testing/policies.ts";
import { Cgroup, type Ended, sh } from "./testing/scene.ts";

const kernel = await openGuestKernel();
after(() => kernel.close());
const { engine } = kernel;
const killed: Ended = { code: null, signal: "SIGKILL", out: "" };

/** Fills the table of cgroups, as a pod does that makes thousands of them. */
function fill(): void {
  const native = loadNative();
  const { maxEntries } = native.mapInfo(engine.maps.cgroup_class);
  const ids = BigUint64Array.from({ length: maxEntries }, (_, i) => (1n << 40n) + BigInt(i));
  const keys = new Uint8Array(ids.buffer);
  const classes = new Uint8Array(4 * maxEntries);
  const full = { code: "E2BIG" };
  assert.throws(
    () => native.updateBatch(engine.maps.cgroup_class, keys, classes, maxEntries),
    full,
  );
}

test("with a full table of cgroups, what is made below a pod or as a pod is in the pods' scope", async () => {
  const deny = denyWrites({ prefix: "/tmp/nested/" });
  mkdirSync("/tmp/nested", { recursive: true });
  const write = "echo hi >/tmp/nested/x; echo survived";
  const pods = new Cgroup("/sys/fs/cgroup/kubepods");
  const pod = pods.child("pod-a");
  const exempt = pods.child("pod-exempt");
  const sets = [deny.name];
  await kernel.program([deny], {
    host: [],
    podRoots: [{ id: pods.id, sets }],
    cgroups: [
      { id: pod.id, sets },
      { id: exempt.id, sets: [] },
    ],
  });
  fill();
  assert.deepEqual(await pod.child("1").child("2").child("3").sh(write), killed);
  assert.deepEqual(await pods.child("pod-new").child("container").sh(write), killed);
  assert.equal((await exempt.child("1").sh(write)).out, "survived\n");
  assert.equal((await sh(write)).out, "survived\n", "the host's process");
  assert.ok(engine.losses().cgroup_full > 0n);
});
