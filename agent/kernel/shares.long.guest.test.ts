import assert from "node:assert/strict";
import { after, test } from "node:test";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { aSet, inMode, onGetpriority } from "./testing/policies.ts";
import { Cgroup } from "./testing/scene.ts";
import { callsIn, stopsByCgroup } from "./testing/shares.ts";

// Rings are filled by execs of 5 kB, of which an emulated processor makes ten in a second.

const kernel = await openGuestKernel();
after(() => kernel.close());
await kernel.events.close(); // the rings have one reader at a time

/** Of another pod, that must have room. */
const few = 1_000;

test("events about processes of a pod with many cgroups leave room for a stop of another pod", async () => {
  const root = new Cgroup("/sys/fs/cgroup/shares-pods");
  const [loud, quiet] = ["loud", "quiet"].map((name) => root.child("besteffort").child(name));
  const nested = Array.from({ length: 20 }, (_, i) => loud!.child(`nested-${i}`));
  const kill = { conditions: [], actions: [{ action: "Sigkill" }] } as const;
  const stop = inMode("monitor", aSet("stop", onGetpriority(kill)));
  const podRoots = [{ id: root.id, level: 1 }];
  const cgroups = [loud!, quiet!].map(({ id }) => ({ id, sets: [stop.name] }));
  await kernel.program([stop], { podRoots, cgroups });
  await stopsByCgroup(kernel); // empties the rings
  const before = kernel.engine.losses();
  for (const one of nested) await execsIn(one, 60);
  for (const one of nested.slice(0, 4)) await callsIn(one, 5_000);
  await callsIn(quiet!, few);
  const after = kernel.engine.losses();
  const lost = (cause: keyof typeof after) => Number(after[cause] - before[cause]);
  assert.ok(lost("share_exec") > 0, "the flood had room");
  assert.deepEqual(kernel.engine.crowding().get("share_exec"), [loud!.id]);
  const stops = await stopsByCgroup(kernel);
  assert.equal(stops.get(quiet!.id), few);
  const ofLoud = nested.reduce((sum, { id }) => sum + (stops.get(id) ?? 0), 0);
  assert.equal(ofLoud + lost("share_stop") + lost("ring_stop"), 20_000);
});

test("of events about processes the ring takes less than all: a stop of anybody has room", async () => {
  const kill = { conditions: [], actions: [{ action: "Sigkill" }] } as const;
  await kernel.program([inMode("monitor", aSet("stop", onGetpriority(kill)))]);
  await stopsByCgroup(kernel);
  const before = kernel.engine.losses();
  // Outside of pods each cgroup has a share of its own: together they take what there is.
  const crowd = Array.from({ length: 12 }, (_, i) => new Cgroup(`/sys/fs/cgroup/crowd-${i}`));
  for (const one of crowd) await execsIn(one, 70);
  const full = Number(kernel.engine.losses().ring_exec - before.ring_exec);
  assert.ok(full > 0, "the crowd had room");
  const quiet = new Cgroup("/sys/fs/cgroup/crowded-out");
  await callsIn(quiet, few);
  assert.equal((await stopsByCgroup(kernel)).get(quiet.id), few);
  assert.equal(kernel.engine.losses().ring_stop, before.ring_stop);
});

/** Execs of which each is an event of 5 kB. */
function execsIn(cgroup: Cgroup, times: number): Promise<unknown> {
  const exec = `exec { "/." x 2000 . "/bin/true" } "true", "x" x 1000`;
  return cgroup.sh(
    `exec perl -e 'for (1 .. ${times}) { my $p = fork; if (!$p) { ${exec} } waitpid $p, 0 }'`,
  );
}
