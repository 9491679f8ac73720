import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { denyWrites } from "./testing/policies.ts";
import { run, sh } from "./testing/scene.ts";

const kernel = await openGuestKernel();
after(() => kernel.close());

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
  const dying = new URL("./testing/agent-that-dies.ts", import.meta.url).pathname;
  const started = await sh(`"${process.execPath}" ${dying} ${bpffs} & echo $!; wait $!`);
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
