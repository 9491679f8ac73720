import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after, beforeEach, test } from "node:test";
import type { Move } from "../../../agent/engine.ts";
import { openGuestKernel } from "../../../agent/kernel/testing/guest-kernel.ts";
import { Cgroup } from "../../../agent/kernel/testing/scene.ts";

const kernel = await openGuestKernel();
after(() => kernel.close());
const { engine } = kernel;

const root = new Cgroup("/sys/fs/cgroup/guardbee-moved-kubepods");
const pod = root.child("besteffort").child("pod-a");
const container = pod.child("container");
const other = root.child("besteffort").child("pod-b").child("container");
const host = new Cgroup("/sys/fs/cgroup/guardbee-moved-host");

beforeEach(async () => {
  const qosFolders = [root.child("besteffort").id];
  await kernel.program([], {
    podRoots: [{ id: root.id, level: 1, qosFolders }],
    cgroups: [pod, container, other].map(({ id }) => ({ id, sets: [] })),
  });
});

/** A shell in `cgroup` that runs each line that it is told. */
class Shell {
  readonly #child: ChildProcess;

  private constructor(cgroup: Cgroup) {
    const script = `echo 0 >${cgroup.path}/cgroup.procs; exec /bin/sh`;
    this.#child = spawn("/bin/sh", ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
  }

  static async in(cgroup: Cgroup): Promise<Shell> {
    const shell = new Shell(cgroup);
    await shell.run("true");
    return shell;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  async run(line: string): Promise<string> {
    const answer = once(this.#child.stdout!, "data");
    this.#child.stdin!.write(`${line}; echo done\n`);
    return String((await answer)[0]);
  }

  async end(): Promise<void> {
    this.#child.stdin!.end();
    await once(this.#child, "exit");
  }
}

/** As root on the node does. */
async function move({ pid }: Shell, { path }: Cgroup): Promise<number> {
  const child = spawn("/bin/sh", ["-c", `echo ${pid} >${path}/cgroup.procs`]);
  const [code] = await once(child, "exit");
  assert.equal(code, 0);
  return child.pid!;
}

/** What is noted while `act` runs. */
async function noted(act: () => Promise<unknown>): Promise<readonly Move[]> {
  const before = engine.moves().count;
  await act();
  const { count, last } = engine.moves();
  return count === before ? [] : last.slice(before - count);
}

for (const [to, where] of [
  [host, "to the host"],
  [other, "into another pod"],
] as const) {
  test(`that a process was taken ${where} is noted, with who did it`, async () => {
    const shell = await Shell.in(container);
    let mover = 0;
    const moves = await noted(async () => {
      mover = await move(shell, to);
    });
    const names = { name: "sh", moverName: "sh" };
    assert.deepEqual(moves, [{ pid: shell.pid, mover, from: container.id, to: to.id, ...names }]);
    await shell.end();
  });
}

test("into a pod, and about inside of it, a process goes without a note", async () => {
  const shell = await Shell.in(host);
  const moves = await noted(async () => {
    await move(shell, container);
    await move(shell, pod.child("sidecar"));
    await move(shell, container.child("nested"));
  });
  assert.deepEqual(moves, []);
  await shell.end();
});

test("a process that is started outside of its parent's pod is noted, too", async () => {
  // clone3(CLONE_INTO_CGROUP)
  const perl = `
    sysopen(my $to, "${host.path}", 0x10000) or die;
    my $args = pack("Q11", 0x200000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, fileno($to));
    my $pid = syscall(435, $args, 88);
    exit 0 if $pid == 0;
    waitpid($pid, 0); print $pid`;
  let out = "";
  const moves = await noted(async () => {
    ({ out } = await container.sh(`exec perl -e '${perl}'`));
  });
  assert.ok(Number(out) > 0, out);
  assert.deepEqual(
    moves.map(({ pid, from, to }) => [pid, from, to]),
    [[Number(out), container.id, host.id]],
  );
});

test("of many the last sixteen are kept, and all are counted", async () => {
  const shell = await Shell.in(container);
  const before = engine.moves().count;
  for (let i = 0; i < 20; i++) {
    await move(shell, host);
    await move(shell, container);
  }
  const { count, last } = engine.moves();
  assert.equal(count - before, 20);
  assert.equal(last.length, 16);
  assert.ok(last.every(({ pid }) => pid === shell.pid));
  await shell.end();
});
