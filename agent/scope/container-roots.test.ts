import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { containerRoots } from "./container-roots.ts";

const folder = mkdtempSync(join(tmpdir(), "guardbee-roots-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const procfs = join(folder, "proc");

function aProcess(pid: number, root: string): void {
  mkdirSync(join(folder, root), { recursive: true });
  mkdirSync(join(procfs, String(pid)), { recursive: true });
  symlinkSync(join(folder, root), join(procfs, String(pid), "root"));
}

function aCgroup(path: string, ...pids: readonly number[]): string {
  const cgroup = join(folder, path);
  mkdirSync(cgroup, { recursive: true });
  writeFileSync(join(cgroup, "cgroup.procs"), pids.map((pid) => `${pid}\n`).join(""));
  return cgroup;
}

const rootOf = (pid: number) => join(procfs, String(pid), "root");

aProcess(1, "node");
for (const pid of [11, 12]) aProcess(pid, "container");
aProcess(13, "elsewhere");
aProcess(14, "node");

test("each root of a container's processes is told once, also of cgroups below", async () => {
  const cgroup = aCgroup("c", 11, 12);
  aCgroup("c/below", 13);
  assert.deepEqual(await containerRoots(cgroup, procfs), [rootOf(11), rootOf(13)]);
});

test("a process whose root is still the node's, and one that is gone, tell none", async () => {
  assert.deepEqual(await containerRoots(aCgroup("begins", 14, 99), procfs), []);
  assert.deepEqual(await containerRoots(join(folder, "none"), procfs), []);
});
