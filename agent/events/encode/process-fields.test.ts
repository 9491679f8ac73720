import assert from "node:assert/strict";
import { test } from "node:test";
import type { HookInfo } from "../../kernel/hook-info.ts";
import type { Process } from "../../process/process.ts";
import { ProcessTree } from "../../process/tree.ts";
import { decodeRecord } from "../../records/decode.ts";
import type { ExecRecord, ExitRecord, HookRecord } from "../../records/kernel-record.ts";
import { execRecord, exitRecord, hookRecord } from "../../records/testing-records.ts";
import type { PodContainer } from "../../scope/pod-container.ts";
import { type AgentEvent, execEvent, exitEvent, hookEvent } from "../event.ts";
import { createSaidInBoth } from "../testing/said-in-both.ts";
import { missingFields } from "../testing/siem-fields.ts";

const place: { labels: Readonly<Record<string, string>> | undefined } = { labels: undefined };
const saidIn = createSaidInBoth({
  ...{ nodeName: "n1", clusterName: "c1", nodeLabels: () => place.labels },
  bootToWallNs: (ns) => ns,
});
const lineOf = (event: AgentEvent) => saidIn({ ...event, json: undefined });
const json = (event: Parameters<typeof lineOf>[0]) => JSON.parse(lineOf(event));

const inPod: PodContainer = {
  pod: {
    ...{ namespace: "web", name: "front-1", uid: "u", workload: "front" },
    ...{ workloadKind: "Deployment", labels: { app: "front" } },
    annotations: { z: "1", a: "2" },
  },
  container: {
    ...{ id: `containerd://${"a".repeat(64)}`, name: "app", startTime: "2026-01-01T00:00:00Z" },
    ...{ image: { id: "i", name: "n" }, privileged: true, execProbes: [["cat", "/tmp/ready"]] },
  },
};

/** init, a shim, sh and cat, the last two in a pod. */
function aProbe(): readonly Process[] {
  const tree = new ProcessTree(() => 0, {
    ancestors: true,
    details: { accounts: { nameOf: (uid) => (uid === 0 ? "root" : "") } },
  });
  const exec = (pid: number, parent: number, filename: string, args: readonly string[]) =>
    tree.exec(
      decodeRecord(
        execRecord({
          ...{ process: { pid, ktime: 10n }, parent: { pid: parent, ktime: 10n } },
          ...{ filename, args: [filename, ...args], nspid: pid > 100 ? pid - 100 : 0 },
          cgroup: pid > 100 ? "a".repeat(64) : "",
        }),
        0,
      ) as ExecRecord,
    );
  const all = [
    exec(1, 0, "/sbin/init", ["splash"]),
    exec(50, 1, "/bin/shim", ["-id", "x"]),
    exec(101, 50, "/bin/sh", ["-c", "x"]),
    exec(102, 101, "/bin/cat", ["/tmp/ready"]),
  ];
  for (const process of all.slice(2)) tree.assign(process, inPod);
  return all;
}

test("an exec has the place of its node, and its ancestors behind its parent", () => {
  const [init, shim, , cat] = aProbe();
  const event = execEvent(cat!, 10n, "with ancestors");
  assert.ok(
    lineOf(event).endsWith(
      ',"node_name":"n1","time":"1970-01-01T00:00:00.000000010Z","cluster_name":"c1"}\n',
    ),
  );
  place.labels = { zone: "a", arch: "x" };
  const line = json(event);
  assert.deepEqual(Object.keys(line), [
    ...["process_exec", "node_name", "time", "cluster_name", "node_labels"],
  ]);
  assert.deepEqual(Object.entries(line.node_labels), [
    ["arch", "x"],
    ["zone", "a"],
  ]);
  const { process_exec } = line;
  assert.deepEqual(Object.keys(process_exec), ["process", "parent", "ancestors"]);
  const names = process_exec.ancestors.map(({ binary }: { binary: string }) => binary);
  assert.deepEqual(names, [shim?.image.binary, init?.image.binary]);
  assert.deepEqual(process_exec.ancestors[1].refcnt, 4);
  assert.equal(json(execEvent(cat!, 10n)).process_exec.ancestors, undefined);
});

test("a pod has its annotations and a container says that it may be its probe", () => {
  const [, , sh, cat] = aProbe();
  const { process } = json(execEvent(cat!, 10n)).process_exec;
  assert.deepEqual(Object.entries(process.pod.pod_annotations), [
    ["a", "2"],
    ["z", "1"],
  ]);
  assert.deepEqual(Object.keys(process.pod).at(-1), "pod_annotations");
  assert.deepEqual(Object.keys(process.pod.container), [
    ...["id", "name", "image", "start_time", "pid", "maybe_exec_probe", "security_context"],
  ]);
  assert.equal(process.pod.container.maybe_exec_probe, true);
  const shell = json(execEvent(sh!, 10n)).process_exec.process;
  assert.equal("maybe_exec_probe" in shell.pod.container, false);
  assert.deepEqual(Object.keys(process).slice(-3), ["tid", "user", "in_init_tree"]);
  assert.deepEqual(process.user, { name: "root" });
});

test("ancestors are last in an exit and in what a hook reports", () => {
  const cat = aProbe().at(-1)!;
  const exit = {
    ...(decodeRecord(exitRecord({ process: cat.key, code: 9 }), 0) as ExitRecord),
    tid: 7777,
  };
  const left = json(exitEvent(cat, exit, "with ancestors")).process_exit;
  assert.equal(left.process.tid, cat.key.pid);
  assert.deepEqual(Object.keys(left), ["process", "parent", "signal", "time", "ancestors"]);
  const hook: HookInfo = {
    ...{ policy: { kind: "TracingPolicy", name: "p" }, event: "process_kprobe" },
    ...{ functionName: "f", args: [], tags: ["t"] },
  };
  const record = decodeRecord(hookRecord({ args: [] }), 0) as HookRecord;
  const called = json(hookEvent(cat, record, hook, { ancestors: "with ancestors" })).process_kprobe;
  assert.deepEqual(Object.keys(called).slice(-2), ["tags", "ancestors"]);
});

test("all that SIEM content reads is in an event", () => {
  place.labels = { zone: "a" };
  const lines = aProbe().map((process) => lineOf(execEvent(process, 10n, "with ancestors")));
  assert.deepEqual(missingFields(lines), []);
  assert.deepEqual(missingFields(lines.slice(0, 1)).includes("process_exec.parent.pod.name"), true);
});
