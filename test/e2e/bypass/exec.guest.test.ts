import assert from "node:assert/strict";
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { after, test } from "node:test";
import type { SelectorSet } from "@guardbee/policy";
import { openGuestKernel } from "../../../agent/kernel/testing/guest-kernel.ts";
import { named } from "../../../agent/kernel/testing/policies.ts";
import { Cgroup, type Ended, run } from "../../../agent/kernel/testing/scene.ts";
import { buildAttempt } from "./attempts.ts";

const kernel = await openGuestKernel();
after(() => kernel.close());

mkdirSync("/tmp/bypass", { recursive: true });
const attempt = "/tmp/bypass/attempt";
buildAttempt(attempt);
const shell = "/tmp/bypass/sh";
copyFileSync("/bin/sh", shell);
const cgroup = new Cgroup("/sys/fs/cgroup/guardbee-bypass-exec");

/** An ExecPolicy that lets nothing run but what the attempts are made with. */
const allowList: SelectorSet = {
  policy: { kind: "ExecPolicy", name: "allow" },
  mode: "enforce",
  scope: { host: false, pods: {} },
  hooks: [
    {
      ...{ on: { kind: "exec" }, args: [] },
      selectors: [
        {
          conditions: [
            { by: "binary", op: "NotIn", values: [attempt, "/bin/sh", "/usr/bin/dash"] },
          ],
          actions: [{ action: "Sigkill" }],
        },
      ],
    },
  ],
};

/** How `script` ends where only those may run; 137 is the exit code of what was killed. */
async function tried(script: string): Promise<Ended> {
  const set = named(allowList);
  await kernel.program([set], { host: [], cgroups: [{ id: cgroup.id, sets: [set.name] }] });
  return cgroup.sh(`${script}; echo $?`);
}

const killed: Ended = { code: 0, signal: null, out: "137\n" };

test("what is in the list runs", async () => {
  assert.deepEqual(await tried(`${attempt} unread /etc/passwd`), {
    ...{ code: 0, signal: null, out: "survived\n0\n" },
  });
});

test("a program in memory does not run", async () => {
  assert.deepEqual(await tried(`${attempt} memory ${attempt} unread /etc/passwd`), killed);
});

for (const bytes of [255, 256, 300, 4000]) {
  test(`a program at a path of ${bytes} bytes does not run`, async () => {
    const path = aPath(bytes);
    mkdirSync(dirname(path), { recursive: true });
    copyFileSync(attempt, path);
    assert.deepEqual(await tried(`${path} unread /etc/passwd`), killed);
  });
}

test("a program 600 folders deep does not run", async (t) => {
  const folder = "/tmp/bypass/deep";
  mkdirSync(folder, { recursive: true });
  // The guest's root file system takes no paths of that length.
  await run("mount", "-t", "tmpfs", "tmpfs", folder);
  t.after(() => run("umount", "-l", folder));
  const script = `${attempt} deep-run ${folder} 600 ${attempt} unread /etc/passwd`;
  assert.deepEqual(await tried(script), killed);
});

/** A path of so many bytes, in folders of 200 at most. */
function aPath(bytes: number): string {
  let path = "/tmp/bypass";
  while (path.length < bytes) {
    const left = bytes - path.length - 1;
    path += `/${"x".repeat(left > 202 ? 200 : left)}`;
  }
  return path;
}
