import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeRecord } from "../records/decode.ts";
import type { CloneRecord, ExecRecord, ProcessKey } from "../records/kernel-record.ts";
import { cloneRecord, execRecord } from "../records/testing-records.ts";
import type { PodContainer } from "../scope/pod-container.ts";
import type { Process } from "./process.ts";
import { ProcessTree, type TreeOptions } from "./tree.ts";

const id64 = "4cb1e9a1ab98044e789c2d426909a6ee1731005cab0a1c5dea9941a5e7889c51";

function aTree(options: TreeOptions = {}) {
  const clock = { ms: 0 };
  const tree = new ProcessTree(() => clock.ms, options);
  return {
    tree,
    clock,
    exec: (change: Parameters<typeof execRecord>[0]) =>
      tree.exec(decodeRecord(execRecord(change), 0) as ExecRecord),
    clone: (change: Parameters<typeof cloneRecord>[0]) =>
      tree.clone(decodeRecord(cloneRecord(change), 0) as CloneRecord),
  };
}
const key = (pid: number, ktime: bigint): ProcessKey => ({ pid, ktime });

test("an exec after a clone hangs below the forking parent and replaces the clone", () => {
  const { tree, exec, clone } = aTree();
  const sh = exec({ process: key(100, 1000n) });
  const child = clone({ process: key(101, 2000n), parent: key(100, 1000n) });
  assert.equal(child?.image.binary, "/bin/sh");
  assert.equal(child?.image.flags, "clone");
  const ls = exec({ process: key(101, 2100n), parent: key(100, 1000n), filename: "/bin/ls" });
  assert.equal(ls.parent, sh);
  assert.equal(child?.running, false);
  assert.equal(sh.refs, 2);
  tree.exit(key(101, 2100n));
  assert.equal(sh.refs, 1);
});

test("a second exec of a process has the image before as its parent", () => {
  const { exec } = aTree();
  const before = exec({ process: key(100, 1000n) });
  const after = exec({ process: key(100, 1500n), parent: key(100, 1000n), flags: 0 });
  assert.equal(after.parent, before);
  assert.equal(after.image.flags, "execve");
  assert.deepEqual([before.running, before.refs, after.refs], [false, 1, 1]);
});

test("an ended process stays known for the grace, and while a child runs", () => {
  const { tree, clock, exec } = aTree({ graceMs: 1000 });
  exec({ process: key(100, 1000n) });
  exec({ process: key(101, 2000n), parent: key(100, 1000n) });
  tree.exit(key(100, 1000n));
  clock.ms = 5000;
  tree.sweep();
  assert.ok(tree.find(key(100, 1000n)));
  tree.exit(key(101, 2000n));
  clock.ms = 5999;
  tree.sweep();
  assert.ok(tree.find(key(101, 2000n)));
  clock.ms = 6000;
  tree.sweep();
  assert.equal(tree.find(key(100, 1000n)), undefined);
  assert.equal(tree.find(key(101, 2000n)), undefined);
});

test("beyond the limit ended images go first, then the ones that nobody asked for", () => {
  const { tree, exec } = aTree({ limit: 4 }); // one of them is the kernel
  for (const pid of [1, 2, 3]) exec({ process: key(pid, 10n), parent: key(0, 1n) });
  tree.exit(key(2, 10n));
  exec({ process: key(4, 10n), parent: key(0, 1n) });
  assert.equal(tree.find(key(2, 10n)), undefined);
  exec({ process: key(5, 10n), parent: key(0, 1n) }); // all were used: the pass clears that
  tree.find(key(1, 10n));
  for (const pid of [6, 7, 8]) exec({ process: key(pid, 10n), parent: key(0, 1n) });
  assert.equal(tree.stats().processes, 4);
  assert.equal(tree.stats().evicted, 5);
});

test("a chain of a process that execs itself for ever is bounded", () => {
  const { tree, clock, exec } = aTree({ graceMs: 10 });
  for (let i = 1n; i < 1000n; i++) {
    exec({ process: key(100, i), parent: key(100, i - 1n), flags: 0 });
    clock.ms += 1;
    tree.sweep();
  }
  assert.ok(tree.stats().processes < 20, String(tree.stats().processes));
});

test("a clone whose parent is unknown is left out, one with a reused pid ends the old one", () => {
  const { tree, exec, clone } = aTree();
  assert.equal(clone({ process: key(9, 9n), parent: key(8, 8n) }), undefined);
  const sh = exec({ process: key(100, 1000n) });
  const lost = exec({ process: key(101, 1100n), parent: key(100, 1000n) });
  clone({ process: key(101, 5000n), parent: key(100, 1000n) });
  assert.equal(lost.running, false);
  assert.equal(sh.refs, 2);
  assert.equal(tree.stats().running, 3);
});

test("a relative name is joined to the folder, flags and docker come as upstream writes them", () => {
  const { exec } = aTree();
  const { image } = exec({
    filename: "./run",
    args: ["run", "-c", "a b", ""],
    cwd: "",
    flags: 0x29,
    cgroup: `cri-containerd-${id64}.scope`,
  });
  assert.deepEqual(image, {
    binary: "/run",
    arguments: '-c "a b" ',
    cwd: "/",
    uid: 0,
    auid: 0xffffffff,
    flags: "execve rootcwd clone inInitTree",
    nspid: 0,
    cgroupId: 0n,
    docker: "4cb1e9a1ab98044e789c2d426909a6e",
    inInitTree: true,
  });
});

test("an event finds a scanned process although /proc rounds its start to a tick", () => {
  const { tree, exec } = aTree();
  const { image } = exec({});
  const scanned = tree.scanned(key(7, 50_000_000n), { image, parentPid: 0 });
  assert.equal(tree.find(key(7, 58_123_456n)), scanned);
  assert.equal(tree.find(key(7, 60_000_000n)), undefined);
  assert.equal(scanned.parent?.image.binary, "<kernel>");
});

test("with ancestors a process knows those above its parent, up to pid 1, while it runs", () => {
  const { tree, clock, exec } = aTree({ ancestors: true, graceMs: 1000 });
  const init = exec({ process: key(1, 1n), parent: key(0, 1n) });
  const chain = [100, 101, 102, 103].map((pid, i) =>
    exec({ process: key(pid, 10n), parent: i === 0 ? key(1, 1n) : key(pid - 1, 10n) }),
  );
  const [first, second, third, last] = chain;
  assert.deepEqual(last?.ancestors, [second, first, init]);
  assert.deepEqual(first?.ancestors, []);
  assert.deepEqual([first?.refs, second?.refs, third?.refs, last?.refs], [4, 3, 2, 1]);
  for (const pid of [100, 101, 102]) tree.exit(key(pid, 10n));
  clock.ms = 5000;
  tree.sweep();
  assert.deepEqual(last?.ancestors, [second, first, init]);
  assert.deepEqual([first?.refs, second?.refs, third?.refs], [1, 1, 1]);
  tree.exit(key(103, 10n));
  clock.ms = 6001;
  tree.sweep();
  assert.equal(tree.stats().processes, 2); // the kernel and init
  assert.equal(init.refs, 1);
});

test("a process that execs itself for ever has no more than 64 ancestors", () => {
  const { clock, tree, exec } = aTree({ ancestors: true, graceMs: 10 });
  let last: Process | undefined;
  for (let i = 1n; i < 300n; i++) {
    last = exec({ process: key(100, i), parent: key(100, i - 1n), flags: 0 });
    clock.ms += 1;
    tree.sweep();
  }
  assert.equal(last?.ancestors.length, 64);
  assert.ok(tree.stats().processes < 100, String(tree.stats().processes));
});

test("an image says who its user is, and a clone of another user does not", () => {
  const names = new Map([[33, "web"]]);
  const accounts = { nameOf: (uid: number) => names.get(uid) ?? "" };
  const { exec, clone } = aTree({ details: { accounts } });
  assert.equal(exec({ uid: 33 }).image.user, "web");
  const child = (pid: number, uid: number) =>
    clone({ process: key(pid, 5n), parent: key(100, 1000n), uid })?.image.user;
  assert.deepEqual([child(101, 33), child(102, 5)], ["web", undefined]);
  assert.equal(exec({ process: key(104, 9n), uid: 5 }).image.user, undefined);
});

test("where the scan has found what a process ran later, its earlier records do not end that", () => {
  const { tree, exec, clone } = aTree();
  const sh = exec({ process: key(50, 500n), parent: key(0, 1n) });
  const { image } = exec({ process: key(60, 10n), parent: key(0, 1n) });
  const later = tree.scanned(key(100, 3000n), { image, parentPid: 0 });
  clone({ process: key(100, 1000n), parent: key(50, 500n) });
  const between = exec({ process: key(100, 2000n), parent: key(50, 500n), flags: 1 });
  assert.deepEqual([between.running, later.running, tree.stats().running], [false, true, 4]);
  const known = exec({ process: key(100, 3000n), parent: key(100, 2000n), flags: 0 });
  assert.equal(known, later);
  assert.equal(later.parent, between);
  assert.deepEqual([later.parentKey, later.image.flags], [key(100, 2000n), "execve"]);
  assert.deepEqual([sh.refs, between.refs, later.refs], [1, 1, 1]);
  assert.equal(tree.exit(key(100, 3000n)), later);
  assert.equal(tree.stats().running, 3);
});

test("a scanned clone has the parent that made it, not who took it in", () => {
  const { tree, exec, clone } = aTree();
  const sh = exec({ process: key(50, 500n), parent: key(0, 1n) });
  const orphan = tree.scanned(key(100, 1000n), { image: sh.image, parentPid: 0 });
  assert.equal(orphan.parent?.key.pid, 0);
  assert.equal(clone({ process: key(100, 1000n), parent: key(50, 500n) }), orphan);
  assert.deepEqual([orphan.parent, sh.refs], [sh, 2]);
});

test("a pid that is in use again takes nothing from who had it, whatever was lost between", () => {
  const { tree, exec } = aTree();
  const pod: PodContainer = {
    pod: { namespace: "a", name: "b", uid: "c", labels: {}, workload: "b", workloadKind: "Pod" },
  };
  const first = exec({ process: key(50, 500n), parent: key(0, 1n) });
  const second = exec({ process: key(51, 501n), parent: key(0, 1n) });
  const stale = exec({ process: key(100, 1000n), parent: first.key, cgroup: id64, cgroupId: 5n });
  tree.assign(stale, pod);
  const other = exec({ process: key(100, 9000n), parent: second.key, cgroup: "x", cgroupId: 7n });
  assert.deepEqual([other.parent, other.image.docker, other.container], [second, "", undefined]);
  assert.equal(stale.running, false);
});

test("what is in no container's cgroup has the container of the same cgroup alone", () => {
  const { tree, exec } = aTree();
  const pod: PodContainer = {
    pod: { namespace: "a", name: "b", uid: "c", labels: {}, workload: "b", workloadKind: "Pod" },
  };
  const first = exec({ process: key(50, 500n), parent: key(0, 1n), cgroupId: 5n });
  tree.assign(first, pod);
  const again = (ktime: bigint, cgroupId: bigint, parent: bigint) =>
    exec({ process: key(50, ktime), parent: key(50, parent), cgroupId, flags: 0 }).container;
  assert.deepEqual([again(600n, 5n, 500n), again(700n, 6n, 600n)], [pod, undefined]);
});

const folders: readonly (readonly [folder: string, docker: string])[] = [
  [id64, id64.slice(0, 31)],
  [`cri-containerd-${id64}.scope`, id64.slice(0, 31)],
  [`crio-${id64}.scope`, id64.slice(0, 31)],
  [`docker-${id64}.scope`, id64.slice(0, 31)],
  [`libpod-${id64}.scope`, id64.slice(0, 31)],
  [`kubepods-besteffort-pod1.slice:cri-containerd:${id64}`, id64.slice(0, 31)],
  [`crio-conmon-${id64}.scope`, ""],
  [`libpod-conmon-${id64}.scope`, ""],
  [`docker-${id64}.service`, ""],
  ["init.scope", ""],
];
for (const [cgroup, docker] of folders) {
  test(`the container of cgroup ${cgroup} is ${docker === "" ? "none" : "known"}`, () => {
    assert.equal(aTree().exec({ cgroup }).image.docker, docker);
  });
}
