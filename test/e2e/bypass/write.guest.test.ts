import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { after, beforeEach, test } from "node:test";
import type { NamedSet } from "../../../agent/engine.ts";
import { openGuestKernel } from "../../../agent/kernel/testing/guest-kernel.ts";
import { aSet, denyWrites } from "../../../agent/kernel/testing/policies.ts";
import { Cgroup, type Ended, run } from "../../../agent/kernel/testing/scene.ts";
import { buildAttempt } from "./attempts.ts";

const kernel = await openGuestKernel();
after(() => kernel.close());

mkdirSync("/tmp/bypass", { recursive: true });
const attempt = "/tmp/bypass/attempt";
buildAttempt(attempt);
const cgroup = new Cgroup("/sys/fs/cgroup/guardbee-bypass-write");
/** In the root file system, as most of a container's files are. */
const folder = "/opt/forbidden";
const deny = denyWrites({ prefix: `${folder}/` });
beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
});

/** How `script` ends under `set`; 137 is the exit code of what was killed. */
async function tried(set: NamedSet, script: string): Promise<Ended> {
  await kernel.program([set], { host: [], cgroups: [{ id: cgroup.id, sets: [set.name] }] });
  return cgroup.sh(`${script}; echo $?`);
}

const killed: Ended = { code: 0, signal: null, out: "137\n" };
const survived: Ended = { code: 0, signal: null, out: "survived\n0\n" };

const outside = `${attempt} chroot /tmp/bypass /outside`;
test("a file outside of the folder is written", async () => {
  assert.deepEqual(await tried(deny, outside), survived);
});

test("a root folder of its own does not hide where a file is", async () => {
  assert.deepEqual(await tried(deny, `${attempt} chroot /opt /forbidden/x`), killed);
});

for (const [attempted, how] of [
  ["detached", "a copy of the folder that is mounted nowhere"],
  ["unmounted", "a mount that is unmounted while it is in use"],
] as const) {
  test(`${how} does not hide where a file is`, async () => {
    assert.deepEqual(await tried(deny, `${attempt} ${attempted} ${folder} x`), killed);
  });
}

// On a tmpfs: the guest's root file system takes no paths of that length.
for (const depth of [300, 600, 3_000]) {
  test(`a file ${depth} folders below the folder is not written`, async (t) => {
    await run("mount", "-t", "tmpfs", "tmpfs", folder);
    t.after(() => run("umount", "-l", folder));
    assert.deepEqual(await tried(deny, `${attempt} deep ${folder} ${depth}`), killed);
  });
}

test("pid 1 of a namespace that is made inside of a container is not the container's pid 1", async () => {
  const container = "unshare -pf sleep 600 & unshared=$!";
  const found = `until child=$(cat /proc/$unshared/task/$unshared/children) && [ -n "$child" ]; do :; done`;
  const write = `${attempt} chroot /opt /forbidden/x; echo $?`;
  const enter = `nsenter -t $child -p unshare -Urpf /bin/sh -c '${write}'`;
  const done = await tried(deny, `${container}; ${found}; ${enter}; kill -9 $child`);
  assert.equal(done.out.split("\n")[0], "137");
});

/** Lets nothing be written but what is below the folder, pipes, and /dev/null for the shell. */
const allow = aSet("allow", {
  on: { kind: "kprobe", call: "sys_write", syscall: true },
  args: [{ index: 0, type: "fd" }],
  selectors: [
    {
      conditions: [{ by: "arg", arg: 0, op: "NotPrefix", values: ["/dev/null", `${folder}/`] }],
      actions: [{ action: "Sigkill" }],
    },
  ],
});

test("an allow-list lets its own files and pipes be written", async () => {
  assert.deepEqual(await tried(allow, `${attempt} chroot /opt /forbidden/x`), survived);
});

test("a file that is not in an allow-list is not written", async () => {
  assert.deepEqual(await tried(allow, outside), killed);
});

test("a detached mount whose own folders are called as those of an allow-list is not in it", async (t) => {
  const volume = "/tmp/bypass/volume";
  mkdirSync(volume, { recursive: true });
  await run("mount", "-t", "tmpfs", "tmpfs", volume);
  t.after(() => run("umount", "-l", volume));
  mkdirSync(volume + folder, { recursive: true });
  const write = `${attempt} detached ${volume} ${folder.slice(1)}/x`;
  assert.deepEqual(await tried(allow, write), killed);
});

/** Lets nothing be written but "root", with which the file of users begins. */
const allowText = aSet("allow-text", {
  on: { kind: "kprobe", call: "sys_write", syscall: true },
  args: [
    { index: 0, type: "int" },
    { index: 1, type: "char_buf", sizeArgIndex: 3 },
  ],
  selectors: [
    {
      conditions: [
        { by: "arg", arg: 0, op: "NotEqual", values: ["1", "2"] },
        { by: "arg", arg: 1, op: "NotPrefix", values: ["root"] },
      ],
      actions: [{ action: "Sigkill" }],
    },
  ],
});

test("a buffer that is not in memory is not in an allow-list", async () => {
  writeFileSync("/tmp/bypass/text", "evil");
  assert.deepEqual(await tried(allowText, `${attempt} unread /tmp/bypass/text`), killed);
  assert.equal(readFileSync("/tmp/unread-copy", "utf8"), "");
});
