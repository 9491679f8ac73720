import assert from "node:assert/strict";
import { test } from "node:test";
import type { Process } from "../process/process.ts";
import { ProcessTree } from "../process/tree.ts";
import { decodeRecord } from "../records/decode.ts";
import type { ExecRecord } from "../records/kernel-record.ts";
import { execRecord } from "../records/testing-records.ts";
import type { PodContainer } from "../scope/pod-container.ts";
import { PodGate, type PodGateOptions } from "./pod-gate.ts";

const pod: PodContainer = {
  pod: {
    ...{ namespace: "default", name: "web", uid: "u", labels: {} },
    ...{ workload: "web", workloadKind: "Pod" },
  },
};

function aGate(options: Partial<PodGateOptions> = {}) {
  const clock = { ms: 0 };
  const pods = new Map<bigint, PodContainer>();
  const tree = new ProcessTree(() => 0);
  const gate = new PodGate({
    tree,
    pods: { byCgroup: (id) => pods.get(id) },
    monotonic: () => clock.ms,
    ...options,
  });
  const out: string[] = [];
  return {
    ...{ gate, clock, pods, out },
    process: (pid: number, cgroupId: bigint, cgroup = "a".repeat(64)) =>
      tree.exec(
        decodeRecord(
          execRecord({ process: { pid, ktime: 1n }, cgroupId, cgroup }),
          0,
        ) as ExecRecord,
      ),
    emit: (process: Process, name: string) => {
      const say = () => out.push(`${name} ${process.container?.pod.name ?? "-"}`);
      if (gate.release(process)) say();
      else gate.hold(process, 100, say);
    },
  };
}

test("events of a container wait for its pod and keep their order", () => {
  const { gate, pods, out, process, emit } = aGate();
  const web = process(1, 7n);
  emit(web, "exec");
  emit(process(2, 7n), "other");
  emit(process(3, 0n, ""), "host");
  gate.retry();
  assert.deepEqual(out, ["host -"]);
  pods.set(7n, pod);
  emit(web, "exit");
  assert.deepEqual(out, ["host -", "exec web", "other web", "exit web"]);
  assert.equal(gate.stats().waiting, 0);
});

test("a retry finds the pod without any further event", () => {
  const { gate, pods, out, process, emit } = aGate();
  emit(process(1, 7n), "exec");
  pods.set(7n, pod);
  gate.retry();
  assert.deepEqual(out, ["exec web"]);
});

test("after the limit events go out as they are, and later ones wait no more", () => {
  const { gate, clock, pods, out, process, emit } = aGate({ limitMs: 1000 });
  const web = process(1, 7n);
  emit(web, "exec");
  clock.ms = 999;
  gate.retry();
  assert.deepEqual(out, []);
  clock.ms = 1000;
  gate.retry();
  emit(web, "open");
  assert.deepEqual(out, ["exec -", "open -"]);
  assert.deepEqual(gate.stats(), { waiting: 0, expired: { time: 1, space: 0 } });
  pods.set(7n, pod);
  emit(web, "exit");
  assert.equal(out.at(-1), "exit web");
});

test("when too many wait, the longest waiting container goes first", () => {
  const { gate, out, process, emit } = aGate({ limitCount: 3 });
  const [first, second] = [process(1, 7n), process(2, 8n)];
  emit(first, "a");
  emit(second, "b");
  emit(first, "c");
  emit(second, "d");
  assert.deepEqual(out, ["a -", "c -"]);
  assert.deepEqual(gate.stats(), { waiting: 2, expired: { time: 0, space: 1 } });
  gate.flush();
  assert.deepEqual(out, ["a -", "c -", "b -", "d -"]);
});

test("without Kubernetes nothing waits", () => {
  const gate = new PodGate({ tree: new ProcessTree(() => 0), monotonic: () => 0 });
  assert.equal(gate.release(aGate().process(1, 7n)), true);
});

test("what waits is bounded in bytes, too: the longest waiting container goes first", () => {
  const { gate, out, process, emit } = aGate({ limitBytes: 250 }); // each event has 100
  emit(process(1, 7n), "first");
  emit(process(2, 8n), "second");
  assert.deepEqual(out, []);
  emit(process(2, 8n), "third");
  assert.deepEqual(out, ["first -"]);
  assert.deepEqual(gate.stats(), { waiting: 2, expired: { time: 0, space: 1 } });
});
