/** Test support: events of processes in and outside of pods. */
import { enums } from "../../gen/layout.ts";
import type { HookInfo } from "../../kernel/hook-info.ts";
import { ProcessTree } from "../../process/tree.ts";
import { decodeRecord } from "../../records/decode.ts";
import type { ExecRecord, HookRecord } from "../../records/kernel-record.ts";
import { execRecord, hookRecord } from "../../records/testing-records.ts";
import type { PodContainer } from "../../scope/pod-container.ts";
import { type ExecEvent, execEvent, type HookEvent, hookEvent } from "../event.ts";

const id = "4cb1e9a1ab98044e789c2d426909a6ee1731005cab0a1c5dea9941a5e7889c51";

export const web: PodContainer = {
  pod: {
    ...{ namespace: "shop", name: "web-1", uid: "u", workload: "web", workloadKind: "Deployment" },
    labels: { app: "web", tier: "front", replica: "3" },
  },
  container: {
    id: `containerd://${id}`,
    name: "nginx",
    image: { id: "i", name: "docker.io/library/nginx:1" },
    privileged: false,
    execProbes: [["/bin/cat", "/etc/x"]],
  },
};

export const hookInfo: HookInfo = {
  policy: { kind: "TracingPolicy", name: "deny" },
  event: "process_kprobe",
  functionName: "__x64_sys_write",
  args: [],
};

/**
 * systemd (1) started bash (100), which started curl (101) on the host. In the pod `web` runs nginx
 * (200), of its container's init tree, which started cat (201).
 */
export function someEvents(): Readonly<
  Record<"systemd" | "bash" | "curl" | "nginx" | "cat", ExecEvent>
> & {
  readonly denied: HookEvent;
} {
  const tree = new ProcessTree(() => 0);
  const exec = (options: Parameters<typeof execRecord>[0], container?: PodContainer) => {
    const process = tree.exec(decodeRecord(execRecord(options), 0) as ExecRecord);
    if (container !== undefined) tree.assign(process, container);
    return { process, event: execEvent(process, process.key.ktime) };
  };
  const key = (pid: number) => ({ pid, ktime: BigInt(pid) * 1_000n });
  const systemd = exec({ process: key(1), filename: "/sbin/init", args: ["init"] });
  const bash = exec({ process: key(100), parent: key(1), filename: "/bin/bash", args: ["bash"] });
  const curl = exec({
    ...{ process: key(101), parent: key(100), filename: "/usr/bin/curl" },
    args: ["curl", "-u", "user:secret", "https://example"],
  });
  const inPod = { cgroupId: 5n, cgroup: id };
  const nginx = exec(
    {
      ...inPod,
      process: key(200),
      parent: key(1),
      filename: "/usr/sbin/nginx",
      args: [],
      flags: enums.exec_flag.EXEC_IN_INIT_TREE,
    },
    web,
  );
  const cat = exec(
    {
      ...inPod,
      process: key(201),
      parent: key(200),
      filename: "/bin/cat",
      args: ["cat", "/etc/x"],
    },
    web,
  );
  const record = decodeRecord(hookRecord({ process: key(201), args: [] }), 0) as HookRecord;
  return {
    ...{ systemd: systemd.event, bash: bash.event, curl: curl.event },
    ...{ nginx: nginx.event, cat: cat.event },
    denied: hookEvent(cat.process, record, hookInfo),
  };
}
