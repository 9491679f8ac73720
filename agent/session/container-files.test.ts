import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Hook } from "@guardbee/policy";
import pino from "pino";
import type { FileRoot, NamedSet, UnhookedFile } from "../engine.ts";
import { ContainerFiles, type FileContainer, fileContainers } from "./container-files.ts";

const folder = mkdtempSync(join(tmpdir(), "guardbee-files-"));
after(() => rmSync(folder, { recursive: true, force: true }));
for (const [pid, root] of [
  [1, "node"],
  [7, "container"],
] as const) {
  mkdirSync(join(folder, root));
  mkdirSync(join(folder, "proc", String(pid)), { recursive: true });
  symlinkSync(join(folder, root), join(folder, "proc", String(pid), "root"));
}
const cgroup = join(folder, "cgroup");
mkdirSync(cgroup);
const begin = (...pids: readonly number[]) =>
  writeFileSync(join(cgroup, "cgroup.procs"), pids.map((pid) => `${pid}\n`).join(""));

function aSet(name: string, on: Hook["on"]): NamedSet {
  const policy = { kind: "TracingPolicy", name } as const;
  const hooks = [{ on, args: [], selectors: [] }];
  return { name, hash: name, set: { policy, mode: "enforce", scope: { host: true }, hooks } };
}

test("containers are those in which some set hooks a program's file", () => {
  const sets = [
    aSet("exec", { kind: "exec" }),
    aSet("file", { kind: "uprobe", path: "/bin/sh", symbol: "main" }),
    aSet("probe", { kind: "usdt", path: "/bin/sh", provider: "a", name: "b" }),
  ];
  const container = (id: bigint) => ({ id, path: `/c${id}`, containerId: "", nested: [] });
  const pod = { id: 1n, path: "/p", uid: "u", others: [] };
  const tree = { roots: [], pods: [{ ...pod, containers: [2n, 3n, 4n].map(container) }] };
  const cgroups = [
    { id: 2n, sets: ["exec", "file", "probe"] },
    { id: 3n, sets: ["exec"] },
  ];
  const scopes = { host: [], podRoots: [], unknownPods: [], cgroups };
  const found = (some: readonly NamedSet[]) =>
    fileContainers({ sets: some, scopes }, { pods: [], tree });
  assert.deepEqual(found(sets), [{ id: 2n, path: "/c2", sets: ["file", "probe"] }]);
  assert.deepEqual(found(sets.slice(0, 1)), []);
});

test("a new container is looked at until it has its root, and told of once", async () => {
  const stop = new AbortController();
  const told: (readonly FileRoot[])[] = [];
  const waits: number[] = [];
  let now = 0;
  let reports = 0;
  let wrong: readonly UnhookedFile[] = [];
  const containers: readonly FileContainer[] = [{ id: 5n, path: cgroup, sets: ["p"] }];
  const scenes: (() => void)[] = [
    () => begin(7),
    () => {},
    () => {
      now += 6_000;
    },
    () => {
      wrong = [{ cgroup: 5n, set: "p", message: "m" }];
      now += 10_000;
    },
    () => stop.abort(),
  ];
  const files = new ContainerFiles({
    engine: {
      hookFiles: async (roots) => {
        told.push(roots);
        return wrong;
      },
    },
    containers: () => containers,
    procfs: join(folder, "proc"),
    onChange: () => reports++,
    clock: {
      now: () => now,
      monotonic: () => now,
      sleep: async (ms: number, signal: AbortSignal) => {
        waits.push(ms);
        scenes.shift()?.();
        signal.throwIfAborted();
      },
    } as never,
    log: pino({ level: "silent" }),
  });
  begin(1);
  await files.run(stop.signal).catch(() => undefined);
  const root = { path: join(folder, "proc/7/root"), cgroup: 5n, sets: ["p"] };
  assert.deepEqual(told, [[], [root], [root]]);
  assert.deepEqual(waits, [20, 20, 20, 10_000, 10_000]);
  assert.deepEqual([files.unhooked(), reports], [wrong, 1]);
});
