/** Test support: calls and events of cgroups that share the rings. */
import { decodeRecord } from "../../records/decode.ts";
import type { GuestKernel } from "./guest-kernel.ts";
import type { Cgroup } from "./scene.ts";

/** getpriority(2), which nothing else calls. */
export function callsIn(cgroup: Cgroup, times: number): Promise<unknown> {
  const script = `for (let i = 0; i < ${times}; i++) os.getPriority(0)`;
  return cgroup.sh(`exec ${process.execPath} -e '${script}'`);
}

/** Empties the rings: how many events of calls each cgroup has in them. */
export async function stopsByCgroup({ engine }: GuestKernel): Promise<ReadonlyMap<bigint, number>> {
  const counts = new Map<bigint, number>();
  const rings = engine.openRings();
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
