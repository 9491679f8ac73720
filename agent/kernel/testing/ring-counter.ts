/**
 * Test support: counts the hook events of the ring pinned at argv[2]. At each call for a process
 * from argv[3] on, a mark, it prints that number and how many events it has seen.
 */
import { argsProblem, decodeRecord, hookArgs } from "../../records/decode.ts";
import { loadNative } from "../native.ts";

const native = loadNative();
let hooks = 0;
const reader = native.openRings(native.openPinnedMap(process.argv[2]!));
console.log("reading");
for (let records = await reader.read(); records; records = await reader.read()) {
  for (let at = 0; at < records.length; ) {
    const event = decodeRecord(records, at);
    at = event.next;
    if (event.kind !== "hook") continue;
    hooks += 1;
    const who = argsProblem(event) === undefined ? hookArgs(event)[1] : undefined;
    if (who?.type === "int" && who.value >= Number(process.argv[3])) {
      console.log(`${who.value} ${hooks}`);
    }
  }
}
