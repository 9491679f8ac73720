/** Test support: an agent on the pins in argv[2] that programs the seed's policy and is killed. */
import { fileURLToPath } from "node:url";
import pino from "pino";
import { KernelEngine } from "../kernel-engine.ts";
import { loadNative } from "../native.ts";
import { denyWrites } from "./policies.ts";

const engine = new KernelEngine({
  ...{ native: loadNative(), bpffs: process.argv[2]!, protectedBinaries: [] },
  objects: fileURLToPath(new URL("../../../bpf/build", import.meta.url)),
  log: pino({ level: "silent" }),
});
const set = denyWrites({ prefix: "/tmp/adopted/" });
await engine.program({ sets: [set], scopes: { host: [set.name], podRoots: [], cgroups: [] } });
process.kill(process.pid, "SIGKILL");
