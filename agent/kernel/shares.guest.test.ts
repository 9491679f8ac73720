import assert from "node:assert/strict";
import { after, test } from "node:test";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { aSet, inMode, onGetpriority } from "./testing/policies.ts";
import { Cgroup } from "./testing/scene.ts";
import { callsIn, stopsByCgroup } from "./testing/shares.ts";

const kernel = await openGuestKernel();
after(() => kernel.close());

/** Several times what the ring holds. */
const flood = 150_000;
const few = 1_000;

test("stopped calls of one cgroup, however many, leave room for those of another", async () => {
  await kernel.events.close(); // the rings have one reader at a time
  const kill = { conditions: [], actions: [{ action: "Sigkill" }] } as const;
  await kernel.program([inMode("monitor", aSet("stop", onGetpriority(kill)))]);
  const [loud, quiet] = ["loud", "quiet"].map((name) => new Cgroup(`/sys/fs/cgroup/${name}`));
  const before = kernel.engine.losses();
  await callsIn(loud!, flood);
  const after = kernel.engine.losses();
  await callsIn(quiet!, few);
  assert.equal(kernel.engine.losses().share_stop, after.share_stop);
  const denied = Number(after.share_stop - before.share_stop);
  assert.ok(denied > 0, "the flood had room");
  assert.deepEqual(kernel.engine.crowding().get("share_stop"), [loud!.id]);
  assert.equal(kernel.engine.losses().ring_stop, before.ring_stop);
  const delivered = await stopsByCgroup(kernel);
  assert.equal(delivered.get(loud!.id), flood - denied);
  assert.equal(delivered.get(quiet!.id), few);
});

test("calls that are only reported, however many, leave room for a stop of another pod", async () => {
  const root = new Cgroup("/sys/fs/cgroup/shares-posts");
  const [loud, quiet] = ["loud", "quiet"].map((name) => root.child("besteffort").child(name));
  const kill = { conditions: [], actions: [{ action: "Sigkill" }] } as const;
  const stop = inMode("monitor", aSet("stop", onGetpriority(kill)));
  const post = aSet("post", onGetpriority());
  const cgroups = [
    { id: loud!.id, sets: [post.name] },
    { id: quiet!.id, sets: [stop.name] },
  ];
  await kernel.program([stop, post], { host: [], podRoots: [{ id: root.id, level: 1 }], cgroups });
  await stopsByCgroup(kernel); // empties the rings
  const before = kernel.engine.losses();
  await callsIn(loud!, flood);
  const after = kernel.engine.losses();
  const lost = Number(after.share_post + after.ring_post - before.share_post - before.ring_post);
  assert.ok(lost > 0, "the flood had room");
  await callsIn(quiet!, few);
  const hooks = await stopsByCgroup(kernel);
  assert.equal(hooks.get(quiet!.id), few);
  assert.equal(hooks.get(loud!.id), flood - lost);
});

test("calls of one pod that are only reported, however many, leave room for those of another", async () => {
  const root = new Cgroup("/sys/fs/cgroup/shares-of-posts");
  const [loud, quiet] = ["loud", "quiet"].map((name) => root.child("besteffort").child(name));
  const nested = [1, 2, 3].map((i) => loud!.child(`nested-${i}`));
  const post = aSet("post", onGetpriority());
  const cgroups = [loud!, quiet!].map(({ id }) => ({ id, sets: [post.name] }));
  await kernel.program([post], { host: [], podRoots: [{ id: root.id, level: 1 }], cgroups });
  await stopsByCgroup(kernel); // empties the rings
  const before = kernel.engine.losses();
  for (const one of nested) await callsIn(one, flood / nested.length);
  const after = kernel.engine.losses();
  await callsIn(quiet!, few);
  const denied = Number(after.share_post - before.share_post);
  assert.ok(denied > 0, "the flood had room");
  assert.equal(after.ring_post, before.ring_post);
  assert.equal(kernel.engine.losses().share_post, after.share_post);
  const crowding = kernel.engine.crowding().get("share_post") ?? []; // of tests before this one, too
  assert.deepEqual(
    [loud, quiet].map((one) => crowding.includes(one!.id)),
    [true, false],
  );
  const events = await stopsByCgroup(kernel);
  assert.equal(events.get(quiet!.id), few);
  const ofLoud = nested.reduce((sum, { id }) => sum + (events.get(id) ?? 0), 0);
  assert.equal(ofLoud, flood - denied);
  // Once the agent has read them, there is room for anybody.
  await callsIn(loud!, few);
  assert.equal((await stopsByCgroup(kernel)).get(loud!.id), few);
});

test("a pod has as many events about its processes as the rate says, the others are counted", async (t) => {
  const engine = kernel.open(kernel.bpffs, [], { events: 100, intervalMs: 3_600_000 });
  t.after(() => kernel.open(kernel.bpffs)); // without a rate
  const cgroup = new Cgroup("/sys/fs/cgroup/rated");
  const before = engine.losses();
  await cgroup.sh(`exec perl -e 'for (1 .. 200) { my $p = fork; exit if !$p; waitpid $p, 0 }'`);
  const after = engine.losses();
  const lost = (["rate_exec", "rate_clone", "rate_exit"] as const).map((cause) =>
    Number(after[cause] - before[cause]),
  );
  // 200 clones and exits, and the shells before and after them.
  const all = lost.reduce((sum, count) => sum + count, 0);
  assert.ok(all >= 300 && all < 320, String(lost));
});
