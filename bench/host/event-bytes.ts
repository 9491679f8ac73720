import { createJsonLine } from "../../agent/events/encode/json-lines.ts";
import { execEvent } from "../../agent/events/event.ts";
import { ProcessTree } from "../../agent/process/tree.ts";
import { decodeRecord } from "../../agent/records/decode.ts";
import type { ExecRecord } from "../../agent/records/kernel-record.ts";
import { type ExecFields, execRecord } from "../../agent/records/testing-records.ts";
import type { PodContainer } from "../../agent/scope/pod-container.ts";
import type { Message } from "../messages.ts";

const id = "4cb1e9a1ab98044e789c2d426909a6ee1731005cab0a1c5dea9941a5e7889c51";
const tasks = "/run/containerd/io.containerd.runtime.v2.task/k8s.io";

/** The pod of the event that upstream documents. */
const xwing: PodContainer = {
  pod: {
    ...{ namespace: "default", name: "xwing", uid: "5f0b8b0e-7c5e-4a3e-9a53-6d2f2b8f8a11" },
    ...{ workload: "xwing", workloadKind: "Pod" },
    labels: { "app.kubernetes.io/name": "xwing", class: "xwing", org: "alliance" },
  },
  container: {
    ...{ id: `containerd://${id}`, name: "spaceship" },
    image: {
      id: "docker.io/tgraf/netperf@sha256:8e86f744bfea165fd4ce68caa05abc96500f40130b857773186401926af7e9e6",
      name: "docker.io/tgraf/netperf:latest",
    },
    ...{ startTime: "2022-10-07T09:18:24Z", privileged: false },
  },
};

const runcArgs = [
  ...["--root", "/run/containerd/runc/k8s.io", "--log", `${tasks}/${id}/log.json`],
  ...["--log-format", "json", "exec", "--process", "/tmp/runc-process676011474"],
  ...["--console-socket", "/tmp/pty093772415/pty.sock", "--detach", "--pid-file"],
  `${tasks}/${id}/fc973cf9fc1302d7fdc2b0176ae80be9e246d833d921506582948010adbe81a5.pid`,
  id,
];

/** How large the line of one exec event is: `kubectl exec` of a shell, as upstream documents it. */
export function measureEventBytes(tell: (message: Message) => void): void {
  const tree = new ProcessTree(() => 0);
  const exec = (fields: Partial<ExecFields>) =>
    tree.exec(decodeRecord(execRecord(fields), 0) as ExecRecord);
  const shim = { pid: 6_246, ktime: 257_819_203_987n };
  const runc = { pid: 13_594, ktime: 12_941_954_625_780n };
  exec({ process: shim, filename: "/usr/bin/containerd-shim-runc-v2" });
  exec({
    ...{ process: runc, parent: shim, filename: "/usr/bin/runc", args: ["runc", ...runcArgs] },
    cwd: `${tasks}/ab719ee48fb5185a866f98ff5fabf1c0c3879e80ce3cdc6a0f52b765b72e9ec6`,
  });
  const shell = exec({
    ...{ process: { pid: 13_604, ktime: 12_942_202_308_790n }, parent: runc, cwd: "/" },
    ...{ filename: "/bin/bash", args: ["/bin/bash"], cgroupId: 5n, cgroup: id, nspid: 66 },
  });
  tree.assign(shell, xwing);
  const lineOf = createJsonLine({
    nodeName: "gke-swelsch-31014-default-pool-2598d0ce-gtlp",
    bootToWallNs: (bootNs) => 1_665_122_189_012_457_401n + bootNs,
  });
  const number = Buffer.byteLength(lineOf(execEvent(shell, shell.key.ktime)));
  const method =
    "kubectl exec of a shell, the event of upstream's page on events; what its line of 2022 lacks are fields that Tetragon has added: tid, in_init_tree, the pod's uid, workload, security_context";
  tell({ value: "bytes_event", number, method });
}
