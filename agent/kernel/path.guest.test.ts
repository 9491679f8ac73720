import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import type { Arg, Hook } from "@guardbee/policy";
import { argJson } from "../args/index.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { aSet, policyIn, upstreamCase, when } from "./testing/policies.ts";
import { sh } from "./testing/scene.ts";

const kernel = await openGuestKernel();
const { events } = kernel;
after(() => kernel.close());

const folder = "/tmp/names";
mkdirSync(`${folder}/below`, { recursive: true });
writeFileSync(`${folder}/file.txt`, "content");
writeFileSync(`${folder}/other.log`, "content", { mode: 0o600 });
symlinkSync("file.txt", `${folder}/link.txt`);

/** What is reported meanwhile: the policy's name, and its first argument as events have it. */
async function reported(scene: () => unknown) {
  const { hooks } = await events.during(scene);
  return hooks.map(({ policy, args: [arg] }) => [
    policy.slice("tracingpolicy.".length),
    JSON.parse(argJson(arg!, undefined)) as unknown,
  ]);
}

function on(call: string, arg: Arg, op?: string, ...values: readonly string[]): Hook {
  return {
    on: { kind: "kprobe", call, syscall: false },
    args: [arg],
    selectors: op === undefined ? [] : [when({ by: "arg", arg: 0, op, values } as never)],
  };
}

test("upstream's policy reports the name of a symbolic link that is followed", async () => {
  await kernel.program([upstreamCase("security_inode_follow_link")]);
  const links = await reported(() => sh(`cat ${folder}/link.txt`));
  const path_arg = { path: `/names/link.txt`, permission: "lrwxrwxrwx" };
  // The shell and cat follow others.
  const own = links.filter(([, arg]) => JSON.stringify(arg).includes("link.txt"));
  assert.deepEqual(own, [["follow-symlink", { path_arg }]]);
});

test("a name is compared by its path in its file system", async () => {
  const name: Arg = { index: 1, type: "dentry" };
  const unlink = "security_inode_unlink";
  await kernel.program([
    aSet("any", on(unlink, name)),
    aSet("equal", on(unlink, name, "Equal", "/names/below/a")),
    aSet("ends", on(unlink, name, "Postfix", "below/a", ".log")),
    aSet("not", on(unlink, name, "NotPrefix", "/names/below/")),
  ]);
  const seen = await reported(() => sh(`cd ${folder}; : >below/a; : >a; rm below/a a`));
  const shown = (path: string) => ({ path_arg: { path, permission: "-rw-r--r--" } });
  assert.deepEqual(seen, [
    ...["any", "ends", "equal"].map((policy) => [policy, shown("/names/below/a")]),
    ...["any", "not"].map((policy) => [policy, shown("/names/a")]),
  ]);
});

test("a path is compared where it is mounted, and what kind of file is there", async () => {
  const path: Arg = { index: 0, type: "path" };
  await kernel.program([
    aSet("txt", on("vfs_truncate", path, "Postfix", ".txt")),
    aSet("not-txt", on("vfs_truncate", path, "NotPostfix", ".txt")),
    aSet("regular", on("vfs_truncate", path, "FileType", "8")),
    aSet("not-regular", on("vfs_truncate", path, "NotFileType", "8", "4")),
  ]);
  const truncate = (file: string) => `truncate("${folder}/${file}", 0)`;
  const seen = await reported(() =>
    sh(`perl -e '${truncate("file.txt")}; ${truncate("other.log")}'`),
  );
  const text = { path_arg: { path: `${folder}/file.txt`, permission: "-rw-r--r--" } };
  const log = { path_arg: { path: `${folder}/other.log`, permission: "-rw-------" } };
  assert.deepEqual(seen, [
    ...["regular", "txt"].map((policy) => [policy, text]),
    ...["not-txt", "regular"].map((policy) => [policy, log]),
  ]);
});

test("what is opened is told by its kind: a folder, a device, a file", async () => {
  const file: Arg = { index: 0, type: "file" };
  const open = "security_file_open";
  const own = when({ by: "arg", arg: 0, op: "Prefix", values: [folder, "/dev/null"] });
  const ofKind = (op: string, value: string): Hook => ({
    ...on(open, file),
    selectors: [
      {
        ...own,
        conditions: [...own.conditions, { by: "arg", arg: 0, op, values: [value] } as never],
      },
    ],
  });
  await kernel.program([
    aSet("dir", ofKind("FileType", "4")),
    aSet("chr", ofKind("FileType", "2")),
    aSet("not-dir", ofKind("NotFileType", "4")),
  ]);
  const seen = await reported(() => sh(`ls ${folder} >/dev/null; cat ${folder}/file.txt`));
  assert.deepEqual(
    [
      ...new Set(
        seen.map(
          ([policy, arg]) =>
            `${policy} ${(arg as never as { file_arg: { path: string } }).file_arg.path}`,
        ),
      ),
    ],
    ["chr /dev/null", "not-dir /dev/null", `dir ${folder}`, `not-dir ${folder}/file.txt`],
  );
});

test("what is executed is refused by its path, before it runs", async () => {
  await kernel.program([
    policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: {name: no-factor}
spec:
  lsmhooks:
  - hook: bprm_check_security
    args:
    - {index: 0, type: linux_binprm}
    selectors:
    - matchArgs:
      - {index: 0, operator: Postfix, values: ["/bin/factor"]}
      matchActions:
      - {action: Override, argError: -1}
`),
  ]);
  const seen = await reported(async () => {
    assert.equal((await sh("/usr/bin/factor 6")).code, 126);
    assert.equal((await sh("seq 1")).code, 0);
  });
  const path = seen.map(([, arg]) => arg);
  assert.deepEqual(path, [
    { linux_binprm_arg: { path: "/usr/bin/factor", permission: "-rwxr-xr-x" } },
  ]);
});

test("what is written is told by the file that it goes to, and by the name that a process wrote", async () => {
  await kernel.program([
    aSet(
      "kiocb",
      on("generic_write_checks", { index: 0, type: "kiocb" }, "Equal", `${folder}/new`),
    ),
    aSet("filename", on("do_filp_open", { index: 1, type: "filename" }, "Equal", "../names/new")),
  ]);
  const seen = await reported(() => sh(`cd ${folder}; echo text >../names/new`));
  assert.deepEqual(seen, [
    ["filename", { string_arg: "../names/new" }],
    ["kiocb", { file_arg: { path: `${folder}/new`, permission: "-rw-r--r--" } }],
  ]);
});
