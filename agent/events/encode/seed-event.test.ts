import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ProcessTree } from "../../process/tree.ts";
import { decodeRecord } from "../../records/decode.ts";
import type { ExecRecord } from "../../records/kernel-record.ts";
import { execRecord } from "../../records/testing-records.ts";
import { execEvent } from "../event.ts";
import { createSaidInBoth } from "../testing/said-in-both.ts";

/** ../shared/seed/process-exec-event.json, which an agent of upstream's wrote in 2022. */
const seedText = readFileSync(new URL("../testing/seed-exec-event.json", import.meta.url), "utf8");
const seed = JSON.parse(seedText);
const { process: bash, parent: runc } = seed.process_exec;

/** `NODE:BOOT_TIME:PID` in base64, as exec ids are. */
function keyIn(execId: string) {
  const [node = "", ktime = "", pid = ""] = Buffer.from(execId, "base64").toString().split(":");
  return { node, key: { pid: Number(pid), ktime: BigInt(ktime) } };
}
const { node, key: bashKey } = keyIn(bash.exec_id);
const { key: runcKey } = keyIn(runc.exec_id);
const { key: shimKey } = keyIn(runc.parent_exec_id);
const happenedAt = bashKey.ktime + 1_000n;

/** When upstream's clock says that it was. */
const wallTimes: ReadonlyMap<bigint, string> = new Map([
  [bashKey.ktime, bash.start_time],
  [runcKey.ktime, runc.start_time],
  [happenedAt, seed.time],
]);
function toWallNs(bootNs: bigint): bigint {
  const time = wallTimes.get(bootNs)!;
  const nanoseconds = BigInt(time.slice(time.indexOf(".") + 1, -1));
  return BigInt(Date.parse(`${time.slice(0, 19)}Z`)) * 1_000_000n + nanoseconds;
}

/** What of `value` the seed has, in the order of `value`; what it has not is named in `added`. */
function asInSeed(value: unknown, like: unknown, at: string, added: string[]): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const known = (like ?? {}) as Readonly<Record<string, unknown>>;
  const left = Object.entries(value).flatMap(([name, inner]) => {
    const path = at === "" ? name : `${at}.${name}`;
    if (Object.hasOwn(known, name)) return [[name, asInSeed(inner, known[name], path, added)]];
    added.push(path);
    return [];
  });
  return Object.fromEntries(left);
}

test("the seed's event is written as it is there, byte for byte, with what upstream has added since", () => {
  const tree = new ProcessTree(() => 0);
  const exec = (options: Parameters<typeof execRecord>[0]) =>
    tree.exec(decodeRecord(execRecord(options), 0) as ExecRecord);
  exec({
    ...{ process: runcKey, parent: shimKey, ktime: runcKey.ktime },
    ...{ filename: runc.binary, args: ["runc", ...runc.arguments.split(" ")], cwd: runc.cwd },
  });
  const { container, ...pod } = bash.pod;
  const cgroup = container.id.replace("containerd://", "");
  const process = exec({
    ...{ process: bashKey, parent: runcKey, ktime: bashKey.ktime, cgroupId: 7n, cgroup },
    ...{ filename: bash.binary, args: ["bash"], cwd: "/", flags: 9, nspid: container.pid },
  });
  tree.assign(process, {
    pod: {
      ...{ namespace: pod.namespace, name: pod.name, uid: "u", labels: pod.pod_labels },
      ...{ workload: pod.name, workloadKind: "Pod" },
    },
    container: {
      ...{ id: container.id, name: container.name, image: container.image, privileged: false },
      startTime: container.start_time,
    },
  });
  tree.exit(runcKey); // it has started the shell, and is gone when that is told
  const line = createSaidInBoth({ nodeName: node, bootToWallNs: toWallNs })(
    execEvent(process, happenedAt),
  );
  const added: string[] = [];
  const left = asInSeed(JSON.parse(line), seed, "", added);
  assert.equal(JSON.stringify(left), JSON.stringify(seed));
  assert.deepEqual(
    added.sort(),
    [
      ...["parent.in_init_tree", "parent.tid", "process.in_init_tree"],
      ...["process.pod.container.security_context", "process.pod.uid", "process.pod.workload"],
      ...["process.pod.workload_kind", "process.tid"],
    ].map((path) => `process_exec.${path}`),
  );
});
