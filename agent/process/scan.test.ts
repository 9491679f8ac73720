import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseCgroup, parseStat, parseStatus, scanProcesses } from "./scan.ts";
import { ProcessTree } from "./tree.ts";

const id64 = "4cb1e9a1ab98044e789c2d426909a6ee1731005cab0a1c5dea9941a5e7889c51";

type FakeProcess = {
  readonly pid: number;
  readonly parent: number;
  readonly flags?: number;
  readonly start: number;
  readonly nspids?: string;
  readonly args: readonly string[];
  readonly exe?: string;
  readonly cgroup?: string;
};

async function fakeProc(root: string, process: FakeProcess): Promise<void> {
  const { pid, parent, flags = 0, start, nspids = `${pid}`, args, exe, cgroup = "/" } = process;
  const folder = join(root, "proc", String(pid));
  await mkdir(folder, { recursive: true });
  const zeros = (count: number) => Array(count).fill("0").join(" ");
  const stats = `${pid} (a) b (c)) S ${parent} ${zeros(4)} ${flags} ${zeros(12)} ${start} 0 0\n`;
  await writeFile(join(folder, "stat"), stats);
  await writeFile(join(folder, "status"), `Uid:\t1\t33\t1\t1\nNSpid:\t${nspids}\n`);
  await writeFile(join(folder, "cmdline"), args.map((arg) => `${arg}\0`).join(""));
  await writeFile(join(folder, "cgroup"), `0::${cgroup}\n`);
  await writeFile(join(folder, "loginuid"), "4294967295");
  if (exe !== undefined) await symlink(exe, join(folder, "exe"));
  await symlink("/", join(folder, "cwd"));
}

test("running processes enter the tree parents first, kernel threads are not returned", async () => {
  const root = await mkdtemp(join(tmpdir(), "scan-"));
  try {
    const cgroup = `/kubepods/pod1/${id64}`;
    await mkdir(join(root, "cgroup", cgroup), { recursive: true });
    await fakeProc(root, { pid: 2, parent: 0, flags: 0x208040, start: 1, args: [] });
    await fakeProc(root, { pid: 30, parent: 40, start: 300, args: ["sh"], nspids: "30 8", cgroup });
    await fakeProc(root, {
      ...{ pid: 40, parent: 1, start: 200, exe: "/bin/pause", args: ["pause", "a b"] },
      ...{ nspids: "40 1", cgroup: `/../..${cgroup}` },
    });
    await fakeProc(root, { pid: 1, parent: 0, start: 2, exe: "/sbin/init", args: ["init"] });
    const tree = new ProcessTree(() => 0);
    const scanned = await scanProcesses(tree, {
      procfs: join(root, "proc"),
      cgroupRoot: join(root, "cgroup"),
      keyOf: (pid) => (pid === 30 ? { ktime: 3_001_234_567n } : null),
    });
    const { ino } = await stat(join(root, "cgroup", cgroup), { bigint: true });
    assert.deepEqual(
      scanned.map(({ key, parentKey }) => [key.pid, key.ktime, parentKey.pid, parentKey.ktime]),
      [
        [1, 20_000_000n, 0, 1n],
        [40, 2_000_000_000n, 1, 20_000_000n],
        [30, 3_001_234_567n, 40, 2_000_000_000n],
      ],
    );
    assert.deepEqual(scanned[1]?.image, {
      ...{ binary: "/bin/pause", arguments: '"a b"', cwd: "/", uid: 33, auid: 0xffffffff },
      ...{ flags: "procFS rootcwd inInitTree", nspid: 1, cgroupId: ino, inInitTree: true },
      docker: id64.slice(0, 31),
    });
    assert.equal(scanned[2]?.image.binary, "sh");
    assert.equal(scanned[2]?.image.inInitTree, true);
    assert.equal(tree.stats().processes, 5);
  } finally {
    await rm(root, { recursive: true });
  }
});

test("a process in a cgroup inside of a container's is that container's", async () => {
  const root = await mkdtemp(join(tmpdir(), "scan-"));
  try {
    const cgroup = `/docker-${"a".repeat(64)}.scope/kubelet/pod1/${id64}/init.scope`;
    await fakeProc(root, { pid: 7, parent: 0, start: 2, args: ["a"], cgroup });
    const tree = new ProcessTree(() => 0);
    const options = { procfs: join(root, "proc"), cgroupRoot: root, keyOf: () => null };
    const [scanned] = await scanProcesses(tree, options);
    assert.equal(scanned?.image.docker, id64.slice(0, 31));
  } finally {
    await rm(root, { recursive: true });
  }
});

test("the machine's own /proc can be scanned", async () => {
  const tree = new ProcessTree(() => 0);
  const options = { procfs: "/proc", cgroupRoot: "/sys/fs/cgroup", keyOf: () => null };
  const scanned = await scanProcesses(tree, options);
  const self = scanned.find(({ key }) => key.pid === process.pid);
  assert.equal(self?.image.binary, process.execPath);
  assert.equal(self?.image.uid, process.geteuid?.());
});

test("parseStat is not misled by names, and refuses what is no stat line", () => {
  assert.equal(parseStat(""), undefined);
  assert.equal(parseStat("1 (x"), undefined);
});

test("parseStatus gives no namespace pid for a process of the host", () => {
  assert.deepEqual(parseStatus("Uid:\t0\t5\t0\t0\nNSpid:\t77\n"), { uid: 5, nspid: 0 });
  assert.deepEqual(parseStatus("NSpid:\t77\t12\t3\n"), { uid: 0, nspid: 12 });
});

test("parseCgroup takes the unified hierarchy only", () => {
  assert.equal(parseCgroup("4:cpu:/x\n0::/a/b\n"), "/a/b");
  assert.equal(parseCgroup("0::/../../c\n"), "/c");
  assert.equal(parseCgroup("4:cpu:/x\n"), "/");
});
