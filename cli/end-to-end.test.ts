import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@guardbee/kube";
import pino from "pino";
import { createJsonLine } from "../agent/events/encode/json-lines.ts";
import { createLineEncoder } from "../agent/events/encode/lines.ts";
import { EventPipeline } from "../agent/events/pipeline.ts";
import type { HookInfo } from "../agent/kernel/hook-info.ts";
import { ProcessTree } from "../agent/process/tree.ts";
import {
  bufferArg,
  cloneRecord,
  execRecord,
  exitRecord,
  fdArg,
  fileArg,
  hookRecord,
  intArg,
  sizeArg,
} from "../agent/records/testing-records.ts";
import type { PodContainer } from "../agent/scope/pod-container.ts";
import { runCli } from "./run-cli.ts";
import { anIo } from "./testing-io.ts";

const containerId = "4cb1e9a1ab98044e789c2d426909a6ee1731005cab0a1c5dea9941a5e7889c51";
const cgroupId = 4242n;
const xwing: PodContainer = {
  pod: {
    ...{ namespace: "default", name: "xwing", uid: "u", labels: { org: "alliance" } },
    ...{ workload: "xwing", workloadKind: "Pod" },
  },
  container: {
    ...{ id: `containerd://${containerId}`, name: "spaceship", privileged: false },
    image: { id: "i", name: "docker.io/tgraf/netperf:latest" },
  },
};

/** The hooks of the seed's policy deny-tmp-forbidden-write.yaml, by their numbers. */
const hooks: readonly HookInfo[] = ["fd_install", "__x64_sys_close", "__x64_sys_write"].map(
  (functionName) => ({
    policy: { kind: "TracingPolicy", name: "deny-tmp-forbidden-write" },
    ...{ event: "process_kprobe", functionName, args: [] },
  }),
);
const [fdInstall, close, write] = [0, 1, 2];
const path = "/tmp/forbidden/donotchange.me";

/** The seed's vi scene, as the kernel side reports it. */
function viScene(): readonly Buffer[] {
  const runc = { pid: 50, ktime: 50n };
  const bash = { pid: 100, ktime: 1000n };
  const child = (pid: number, ktime: bigint, binary: string, args: readonly string[]) => [
    cloneRecord({ process: { pid, ktime: ktime - 10n }, parent: bash, cgroupId }),
    execRecord({
      ...{ process: { pid, ktime }, parent: bash, cgroupId, cgroup: containerId },
      ...{ filename: binary, args: [binary, ...args], cwd: "/tmp/forbidden" },
    }),
  ];
  const vi = { pid: 102, ktime: 3000n };
  const onVi = (hook: number, action: number, args: readonly Buffer[]) =>
    hookRecord({ process: vi, tid: vi.pid, hook, action, args, cgroupId });
  return [
    execRecord({
      ...{ process: bash, parent: runc, cgroupId, cgroup: containerId, nspid: 66 },
      ...{ filename: "/bin/bash", args: ["/bin/bash"], flags: 9 },
    }),
    ...child(101, 2000n, "/bin/ls", []),
    exitRecord({ process: { pid: 101, ktime: 2000n }, code: 0 }),
    ...child(vi.pid, vi.ktime, "/usr/bin/vi", ["donotchange.me"]),
    onVi(fdInstall, 2, [intArg(3), fileArg(path)]),
    onVi(close, 4, [intArg(3)]),
    onVi(fdInstall, 2, [intArg(3), fileArg(path)]),
    onVi(write, 3, [fdArg(path), bufferArg(32, "x".repeat(32)), sizeArg(32)]),
    exitRecord({ process: vi, code: 9 }),
  ];
}

/** Where a detail is empty, the space before it stays: as a name, so that no editor takes it away. */
const nothing = "";
/**
 * ../shared/seed/compact-output.txt, with the spaces that upstream's client leaves where a detail is
 * empty, and whoever saved that file took off the ends of its lines.
 */
const seedOutput = `🚀 process default/xwing /bin/bash ${nothing}
🚀 process default/xwing /bin/ls ${nothing}
💥 exit    default/xwing /bin/ls  0
🚀 process default/xwing /usr/bin/vi donotchange.me
📬 open    default/xwing /usr/bin/vi /tmp/forbidden/donotchange.me
📪 close   default/xwing /usr/bin/vi ${nothing}
📬 open    default/xwing /usr/bin/vi /tmp/forbidden/donotchange.me
📝 write   default/xwing /usr/bin/vi /tmp/forbidden/donotchange.me 32 bytes
💥 exit    default/xwing /usr/bin/vi donotchange.me SIGKILL
`;

test("kernel records of the vi scene become the seed's compact output, byte for byte", async () => {
  const lines: Buffer[] = [];
  const encoder = createLineEncoder(
    createJsonLine({ nodeName: "worker-1", bootToWallNs: (ns) => ns }),
  );
  const clock = new ManualClock();
  const pipeline = new EventPipeline({
    openRings: () => ({ read: async () => undefined, end: () => {}, close: async () => {} }),
    tree: new ProcessTree(() => clock.monotonic()),
    hookOf: (hook) => hooks[hook],
    pods: { byCgroup: (id) => (id === cgroupId ? xwing : undefined) },
    sinks: [
      {
        name: "memory",
        write: (events) => lines.push(encoder.encode(events).lines),
        run: async () => {},
        stats: () => ({
          ...{ delivered: 0, bytes: 0, waiting: 0 },
          dropped: { closed: 0, backlog: 0, error: 0 },
        }),
      },
    ],
    ...{ clock, log: pino({ level: "silent" }) },
  });
  pipeline.accept(Buffer.concat(viScene()));
  const { io, out, err } = anIo({ stdin: Buffer.concat(lines) });
  assert.equal(await runCli(["getevents", "-o", "compact"], io), 0);
  assert.equal(out(), seedOutput);
  assert.equal(err(), "");
});
