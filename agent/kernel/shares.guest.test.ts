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
  assert.equal(kernel.engine.losses().ring_stop, before.ring_stop);
  const delivered = await stopsByCgroup();
  assert.equal(delivered.get(loud!.id), flood - denied);
  assert.equal(delivered.get(quiet!.id), few);
});

/** getpriority(2), which nothing else calls. */
function callsIn(cgroup: Cgroup, times: number): Promise<unknown> {
  const script = `for (let i = 0; i < ${times}; i++) os.getPriority(0)`;
  return cgroup.sh(`exec ${process.execPath} -e '${script}'`);
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
