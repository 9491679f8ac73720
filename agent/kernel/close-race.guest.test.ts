import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { compileC } from "./testing/compile.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { denyWrites } from "./testing/policies.ts";
import { Cgroup } from "./testing/scene.ts";

const rounds = 2000;

/**
 * In each round a child opens a file, closes the descriptor in one thread and duplicates it in the
 * other. Where the duplicate came in time, the child writes by it. Prints how many did that.
 */
const source = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <stdio.h>

static volatile int ready, fd;

static void *keep(void *spins)
{
  ready = 1;
  for (volatile long i = (long)spins; i > 0; i--)
    ;
  return (void *)(long)(dup2(fd, 100) == 100);
}

int main(int argc, char **argv)
{
  int kept = 0, survived = 0, killed = 0;

  for (int round = 0; round < atoi(argv[2]); round++) {
    int status;

    if (fork() == 0) {
      pthread_t thread;
      void *has = NULL;

      fd = open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0600);
      pthread_create(&thread, NULL, keep, (void *)(long)(rand_r(&(unsigned){round}) % 4000));
      while (!ready)
        ;
      close(fd);
      pthread_join(thread, &has);
      _exit(has ? write(100, "x", 1) == 1 ? 3 : 4 : 0);
    }
    wait(&status);
    killed += WIFSIGNALED(status);
    kept += WIFSIGNALED(status) || WEXITSTATUS(status) != 0;
    survived += WIFEXITED(status) && WEXITSTATUS(status) != 0;
  }
  printf("%d %d %d\\n", kept, killed, survived);
}
`;

const kernel = await openGuestKernel();
after(() => kernel.close());

test(`close in one thread against dup2 in another: of ${rounds} none writes unseen`, async () => {
  const cgroup = new Cgroup("/sys/fs/cgroup/close-race");
  const deny = denyWrites({ prefix: "/tmp/race/" });
  await kernel.program([deny], {
    host: [],
    cgroups: [{ id: cgroup.id, sets: [deny.name] }],
  });
  rmSync("/tmp/race", { recursive: true, force: true });
  mkdirSync("/tmp/race");
  writeFileSync("/tmp/close-race.c", source);
  compileC("/tmp/close-race", ["/tmp/close-race.c"], ["-O1", "-pthread"]);
  const { out } = await cgroup.sh(`exec /tmp/close-race /tmp/race/x ${rounds}`);
  const [kept, killed, survived] = out.trim().split(" ").map(Number);
  assert.ok(kept! > 0, "the duplicate came in time at least once");
  assert.deepEqual([killed, survived], [kept, 0]);
  assert.equal(readFileSync("/tmp/race/x", "utf8"), "");
});
