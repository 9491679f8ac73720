import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, beforeEach, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import pino from "pino";
import type { NamedSet } from "../../../agent/engine.ts";
import { layout } from "../../../agent/gen/layout.ts";
import { FollowedTable } from "../../../agent/kernel/followed-table.ts";
import { KernelEngine } from "../../../agent/kernel/kernel-engine.ts";
import { openLoader } from "../../../agent/kernel/loader.ts";
import { loadNative } from "../../../agent/kernel/native.ts";
import { u32 } from "../../../agent/kernel/pinned-ids.ts";
import { Pins } from "../../../agent/kernel/pins.ts";
import { openGuestKernel, statesOf } from "../../../agent/kernel/testing/guest-kernel.ts";
import { denyWrites } from "../../../agent/kernel/testing/policies.ts";
import { Cgroup, run } from "../../../agent/kernel/testing/scene.ts";
import { testProgram } from "../../../agent/kernel/testing/test-program.ts";
import { buildFollow } from "./attempts.ts";

const kernel = await openGuestKernel();
after(() => kernel.close());
const native = loadNative();
const objects = fileURLToPath(new URL("../../../bpf/build", import.meta.url));

const folder = "/tmp/follow-upgrade";
const file = `${folder}/x`;
const deny = denyWrites({ prefix: `${folder}/` });
/** Comes first, so that the groups of the two versions differ. */
const first = denyWrites({ name: "a-first", prefix: "/tmp/follow-upgrade-other/" });
const pods = new Cgroup("/sys/fs/cgroup/kubepods");
const pod = pods.child("pod-upgraded");

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
});

const none = { host: [], podRoots: [], unknownPods: [], cgroups: [] };

/** Programs `sets` on the pins in `bpffs` with the BPF objects in `from`. */
async function agent(
  bpffs: string,
  { from, sets, podFiles = 4096 }: { from: string; sets: readonly NamedSet[]; podFiles?: number },
): Promise<KernelEngine> {
  const engine = new KernelEngine({
    ...{ native, bpffs, objects: from, protectedBinaries: [], podFiles },
    log: pino({ level: "silent" }),
  });
  const names = sets.map(({ name }) => name).sort();
  const podRoots = [{ id: pods.id }];
  const cgroups = [{ id: pod.id, sets: names }];
  const done = await engine.program({ sets, scopes: { ...none, podRoots, cgroups } });
  for (const state of statesOf(done)) {
    assert.equal(state.state, "programmed", JSON.stringify(state));
  }
  return engine;
}

/** What an agent of another version was built with: the same, by another digest. */
function otherObjects(): string {
  const copy = "/tmp/follow-upgrade-objects";
  rmSync(copy, { recursive: true, force: true });
  cpSync(objects, copy, { recursive: true });
  appendFileSync(join(copy, "exec.bpf.o"), "\n");
  return copy;
}

/** A process of the pod that has the file open, and how it ends when it is told to write. */
async function opened(t: TestContext): Promise<() => Promise<string>> {
  const write = `exec 3>>${file}; echo open; read go; echo forbidden >&3; echo survived`;
  const script = `echo 0 >${pod.path}/cgroup.procs; exec /bin/sh -c "$0"`;
  const child = spawn("/bin/sh", ["-c", script, write], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const ended = once(child, "close");
  assert.equal(String(await once(child.stdout, "data")), "open\n");
  return async () => {
    const out = text(child.stdout);
    child.stdin.end("go\n");
    return `${await out}${(await ended)[1]}`;
  };
}

/** A folder for pins; in the end nothing that is pinned there goes on. */
function folderFor(t: TestContext, name: string): string {
  const bpffs = `${kernel.bpffs}-${name}`;
  mkdirSync(bpffs);
  t.after(async () => {
    await agent(bpffs, { from: objects, sets: [] });
    rmSync(bpffs, { recursive: true });
  });
  return bpffs;
}

test("a descriptor that was opened before an upgrade is followed after it, and counts for its pod", async (t) => {
  const bpffs = folderFor(t, "upgrade");
  const dying = testProgram("agent/kernel/testing/agent-that-dies.ts");
  const args = [bpffs, `${folder}/`, pods.path, otherObjects()];
  const { signal: end } = await run("node", dying, ...args);
  assert.equal(end, "SIGKILL");
  const write = await opened(t);
  const engine = await agent(bpffs, { from: objects, sets: [first, deny], podFiles: 1 });
  assert.equal(readdirSync(bpffs).length, 1, "the version before is gone");
  assert.equal(native.keys(engine.maps.followed).length, 8);
  const { code, signal } = await pod.sh(`: <${file}`);
  assert.deepEqual({ code, signal }, { code: null, signal: "SIGKILL" }, "the pod has its one file");
  assert.equal(await write(), "SIGKILL");
  assert.equal(readFileSync(file, "utf8"), "");
});

test("so it is where the version before kept nothing but groups", async (t) => {
  const bpffs = folderFor(t, "older");
  const other = await agent(bpffs, { from: otherObjects(), sets: [deny] });
  const write = await opened(t);
  const [version] = readdirSync(bpffs);
  const key = Uint8Array.from(native.keys(other.maps.followed));
  await other.program({ sets: [], scopes: none });
  rmSync(join(bpffs, version!), { recursive: true });
  const maps = join(bpffs, "v-older/maps");
  mkdirSync(maps, { recursive: true });
  const shape = { type: "hash", keySize: 8, valueSize: 8, maxEntries: 4 } as const;
  const followed = native.createMap({ ...shape, name: "followed" });
  native.update(followed, key, new Uint8Array(BigUint64Array.of(1n << 5n).buffer));
  native.pinMap(followed, join(maps, "followed"));
  const groups = native.createMap({ ...shape, name: "gb_ids", keySize: 4, valueSize: 32 });
  native.update(groups, u32(5), createHash("sha256").update(deny.name).digest());
  native.pinMap(groups, join(maps, "follow_groups"));
  for (const map of [followed, groups]) native.closeFd(map);
  const engine = await agent(bpffs, { from: objects, sets: [first, deny] });
  assert.equal(readdirSync(bpffs).length, 1);
  assert.deepEqual(Uint8Array.from(native.keys(engine.maps.followed)), key);
  assert.equal(await write(), "SIGKILL");
  assert.equal(readFileSync(file, "utf8"), "");
});

const follow = "/tmp/bypass/follow-upgrade";
mkdirSync("/tmp/bypass", { recursive: true });
buildFollow(follow);
const opens = 5_000;

test(`of ${opens} files that are opened while groups are freed, each is followed`, async (t) => {
  await kernel.program([deny]);
  const { maps } = kernel.engine;
  const pins = new Pins(kernel.bpffs, objects);
  const loader = openLoader({ native, objects, shared: maps, pins });
  const script = `touch ${file}; ulimit -n ${opens + 100}; exec ${follow} hold ${file} ${opens}`;
  const child = spawn("/bin/bash", ["-c", script], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  let held = false;
  const said = once(child.stdout, "data").then(() => {
    held = true;
  });
  let times = 0;
  while (!held) {
    FollowedTable.with(loader, (table) => {
      for (let i = 0; i < 20; i++) table.keep(0xffff_ffff_ffff_ffffn);
    });
    times += 20;
    await Promise.race([said, new Promise((done) => setImmediate(done))]);
  }
  t.diagnostic(`groups were freed ${times} times`);
  const keys = Buffer.from(native.keys(maps.followed));
  assert.ok(keys.length >= 8 * opens);
  const value = Buffer.alloc(layout.followed_file.size);
  let without = 0;
  for (let at = 0; at < keys.length; at += 8) {
    if (!native.lookup(maps.followed, keys.subarray(at, at + 8), value)) continue;
    if (value.readBigUInt64LE() === 0n) without++;
  }
  assert.equal(without, 0);
  const { signal } = await new Cgroup("/sys/fs/cgroup/follow-race").sh(`echo x >>${file}`);
  assert.equal(signal, "SIGKILL");
});
