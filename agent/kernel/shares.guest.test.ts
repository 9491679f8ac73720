import assert from "node:assert/strict";
import { after, test } from "node:test";
import { decodeRecord } from "../records/decode.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { aSet, inMode, onGetpriority } from "./testing/policies.ts";
import { Cgroup } from "./testing/scene.ts";

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
  const delivered = await stopsByCgroup();
  assert.equal(delivered.get(loud!.id), flood - denied);
  assert.equal(delivered.get(quiet!.id), few);
});

test("events about processes of a pod with many cgroups leave room for a stop of another pod", async () => {
  const root = new Cgroup("/sys/fs/cgroup/shares-pods");
  const [loud, quiet] = ["loud", "quiet"].map((name) => root.child("besteffort").child(name));
  const nested = Array.from({ length: 20 }, (_, i) => loud!.child(`nested-${i}`));
  const kill = { conditions: [], actions: [{ action: "Sigkill" }] } as const;
  const stop = inMode("monitor", aSet("stop", onGetpriority(kill)));
  const podRoots = [{ id: root.id, level: 1 }];
  const cgroups = [loud!, quiet!].map(({ id }) => ({ id, sets: [stop.name] }));
  await kernel.program([stop], { podRoots, cgroups });
  await stopsByCgroup(); // empties the rings
  const before = kernel.engine.losses();
  for (const one of nested) await execsIn(one, 60);
  for (const one of nested.slice(0, 4)) await callsIn(one, 5_000);
  await callsIn(quiet!, few);
  const after = kernel.engine.losses();
  const lost = (cause: keyof typeof after) => Number(after[cause] - before[cause]);
  assert.ok(lost("share_exec") > 0, "the flood had room");
  assert.deepEqual(kernel.engine.crowding().get("share_exec"), [loud!.id]);
  const stops = await stopsByCgroup();
  assert.equal(stops.get(quiet!.id), few);
  const ofLoud = nested.reduce((sum, { id }) => sum + (stops.get(id) ?? 0), 0);
  assert.equal(ofLoud + lost("share_stop") + lost("ring_stop"), 20_000);
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
  await stopsByCgroup(); // empties the rings
  const before = kernel.engine.losses();
  await callsIn(loud!, flood);
  const after = kernel.engine.losses();
  const lost = Number(after.share_post + after.ring_post - before.share_post - before.ring_post);
  assert.ok(lost > 0, "the flood had room");
  await callsIn(quiet!, few);
  const hooks = await stopsByCgroup();
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
  await stopsByCgroup(); // empties the rings
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
  const events = await stopsByCgroup();
  assert.equal(events.get(quiet!.id), few);
  const ofLoud = nested.reduce((sum, { id }) => sum + (events.get(id) ?? 0), 0);
  assert.equal(ofLoud, flood - denied);
  // Once the agent has read them, there is room for anybody.
  await callsIn(loud!, few);
  assert.equal((await stopsByCgroup()).get(loud!.id), few);
});

test("of events about processes the ring takes less than all: a stop of anybody has room", async () => {
  const kill = { conditions: [], actions: [{ action: "Sigkill" }] } as const;
  await kernel.program([inMode("monitor", aSet("stop", onGetpriority(kill)))]);
  await stopsByCgroup();
  const before = kernel.engine.losses();
  // Outside of pods each cgroup has a share of its own: together they take what there is.
  const crowd = Array.from({ length: 12 }, (_, i) => new Cgroup(`/sys/fs/cgroup/crowd-${i}`));
  for (const one of crowd) await execsIn(one, 70);
  const full = Number(kernel.engine.losses().ring_exec - before.ring_exec);
  assert.ok(full > 0, "the crowd had room");
  const quiet = new Cgroup("/sys/fs/cgroup/crowded-out");
  await callsIn(quiet, few);
  assert.equal((await stopsByCgroup()).get(quiet.id), few);
  assert.equal(kernel.engine.losses().ring_stop, before.ring_stop);
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

/** getpriority(2), which nothing else calls. */
function callsIn(cgroup: Cgroup, times: number): Promise<unknown> {
  const script = `for (let i = 0; i < ${times}; i++) os.getPriority(0)`;
  return cgroup.sh(`exec ${process.execPath} -e '${script}'`);
}

/** Execs of which each is an event of 5 kB. */
function execsIn(cgroup: Cgroup, times: number): Promise<unknown> {
  const exec = `exec { "/." x 2000 . "/bin/true" } "true", "x" x 1000`;
  return cgroup.sh(
    `exec perl -e 'for (1 .. ${times}) { my $p = fork; if (!$p) { ${exec} } waitpid $p, 0 }'`,
  );
}

/** Empties the rings. */
async function stopsByCgroup(): Promise<ReadonlyMap<bigint, number>> {
  const counts = new Map<bigint, number>();
  const rings = kernel.engine.openRings();
  rings.end();
  for (let records = await rings.read(); records; records = await rings.read()) {
    for (let at = 0; at < records.length; ) {
      const event = decodeRecord(records, at);
      at = event.next;
      if (event.kind !== "hook") continue;
      counts.set(event.cgroupId, (counts.get(event.cgroupId) ?? 0) + 1);
    }
  }
  await rings.close();
  return counts;
}
