/**
 * Test support: an agent on the pins in argv[2] that programs the seed's policy for files below
 * argv[3], on the host or, where argv[4] is the folder of pods, in pods that are not known, and is killed.
 * argv[5]: BPF objects of another version.
 */
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import pino from "pino";
import { KernelEngine } from "../kernel-engine.ts";
import { loadNative } from "../native.ts";
import { denyWrites } from "./policies.ts";

const [bpffs, prefix, podRoot, objects] = process.argv.slice(2) as [
  string,
  string,
  string?,
  string?,
];
const engine = new KernelEngine({
  ...{ native: loadNative(), bpffs, protectedBinaries: [], podFiles: 4096 },
  objects: objects ?? fileURLToPath(new URL("../../../bpf/build", import.meta.url)),
  log: pino({ level: "silent" }),
});
const set = denyWrites({ prefix });
const onHost = { host: [set.name], podRoots: [], unknownPods: [], cgroups: [] };
const inPods = (folder: string) => ({
  ...{ ...onHost, host: [], unknownPods: [set.name] },
  podRoots: [{ id: statSync(folder, { bigint: true }).ino, level: 1 }],
});
const scopes = podRoot === undefined ? onHost : inPods(podRoot);
await engine.program({ sets: [set], scopes });
process.kill(process.pid, "SIGKILL");
