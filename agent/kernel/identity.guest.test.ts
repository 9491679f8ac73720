import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { denyWrites } from "./testing/policies.ts";
import { type Ended, run, sh } from "./testing/scene.ts";
import { testProgram } from "./testing/test-program.ts";

const kernel = await openGuestKernel();
after(() => kernel.close());
const killed: Ended = { code: null, signal: "SIGKILL", out: "" };

/** Writes to argv[1] in a child of pid argv[2], and ends as that does. */
const takesPid = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
  pid_t pid = atoi(argv[2]);
  struct clone_args args = {
    .exit_signal = SIGCHLD, .set_tid = (__u64)&pid, .set_tid_size = 1,
  };
  long child = syscall(SYS_clone3, &args, sizeof(args));
  int status;

  if (child < 0) {
    printf("%m");
    return 99;
  }
  if (child == 0) {
    int fd = open(argv[1], O_WRONLY | O_CREAT, 0600);
    _exit(write(fd, "x", 1) == 1 ? 1 : 2);
  }
  wait(&status);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
`;

test("a process that gets the pid of an agent that is dead is in scope", async () => {
  await kernel.program([]);
  const bpffs = `${kernel.bpffs}-dead`;
  for (const folder of [bpffs, "/tmp/adopted"]) mkdirSync(folder, { recursive: true });
  writeFileSync("/tmp/takes-pid.c", takesPid);
  execFileSync("gcc", ["-O1", "-o", "/tmp/takes-pid", "/tmp/takes-pid.c"]);
  const dying = testProgram("agent/kernel/testing/agent-that-dies.ts");
  const started = await sh(
    `"${process.execPath}" ${dying} ${bpffs} /tmp/adopted/ & echo $!; wait $!`,
  );
  assert.equal(started.code, 137);
  const taken = await run("/tmp/takes-pid", "/tmp/adopted/x", started.out.trim());
  assert.deepEqual(taken, { code: 137, signal: null, out: "" });
  rmSync(bpffs, { recursive: true });
});

test("the agent itself is in no scope", async () => {
  await kernel.program([denyWrites({ prefix: "/tmp/own/" })]);
  mkdirSync("/tmp/own", { recursive: true });
  writeFileSync("/tmp/own/x", "written by the agent");
});

test("a service of the node is left alone; a program at its path in another root is not", async (t) => {
  const deny = denyWrites({ prefix: "/tmp/rooted/" });
  const service = "/opt/bin/dockerd"; // none of the guest's
  mkdirSync("/opt/bin", { recursive: true });
  copyFileSync("/bin/sh", service);
  t.after(() => rmSync(service));
  const protecting = kernel.open(mkdtempSync("/sys/fs/bpf/guardbee-"), [service]);
  const scopes = { host: [deny.name], podRoots: [], unknownPods: [], cgroups: [] };
  await kernel.program([]);
  await protecting.program({ sets: [deny], scopes });
  mkdirSync("/tmp/rooted", { recursive: true });
  const script = "echo x >/tmp/rooted/x; echo survived";
  assert.equal((await run(service, "-c", script)).out, "survived\n");
  // Another root with the same files, as an image has: the path is the same there.
  const image = "mkdir -p /tmp/image && mount -t tmpfs image /tmp/image && cd /tmp/image";
  const folders =
    "for d in bin sbin lib lib64 usr opt tmp; do mkdir -p $d; mount --rbind /$d $d; done";
  const root = "mkdir old && pivot_root . old && cd / && umount -l /old";
  const inside = `exec ${service} -c '${script}'`;
  const inImage = await run(
    ...(["unshare", "-m", "/bin/sh", "-c"] as const),
    [image, folders, root, inside].join("; "),
  );
  assert.deepEqual(inImage, killed);
  await protecting.program({ sets: [], scopes: { ...scopes, host: [] } });
});
