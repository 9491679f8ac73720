import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, readFileSync, readlinkSync } from "node:fs";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { RunningAgent } from "../events/testing/running-agent.ts";
import { compileC } from "../kernel/testing/compile.ts";
import { lockKernel } from "../kernel/testing/guest-kernel.ts";

const unlock = await lockKernel();
after(unlock);

const agent = new RunningAgent("", [
  ...["--enable-process-cred", "--enable-process-ns", "--username-metadata", "unix"],
  ...["--enable-process-environment-variables", "--enable-ancestors", "base"],
  ...["--filter-environment-variables", "MARK,LONG"],
]);
before(() => agent.start());
after(() => agent.stop());

// biome-ignore lint/suspicious/noExplicitAny: events of any shape
type Json = any;

/** Of the lines that are whole by now. */
function events(): readonly Json[] {
  const text = readFileSync(agent.file, "utf8");
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** The execs of processes that have `mark` in their environment, once there are `count`. */
async function execsOf(mark: string, count = 1): Promise<readonly Json[]> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const found = events().filter(({ process_exec: exec }) =>
      exec?.process.environment_variables?.some((one: Json) => one.Value === mark),
    );
    if (found.length >= count) return found.map(({ process_exec }) => process_exec);
    await sleep(100);
  }
  assert.fail(`no exec of ${mark}`);
}

/** Runs it with that mark. */
function run(mark: string, command: readonly string[], more: object = {}, env: object = {}): void {
  const [program = "", ...args] = command;
  const ended = spawnSync(program, args, { env: { MARK: mark, OTHER: "x", ...env }, ...more });
  assert.deepEqual([ended.error, ended.status], [undefined, 0], String(ended.stderr));
}

test("argv is told up to the kernel's own limit, and where it is longer cut and said so", async () => {
  const inline = "a".repeat(1023 - "/bin/true".length - 2);
  run("inline", ["/bin/true", inline]);
  const [short] = await execsOf("inline");
  assert.deepEqual([short.process.arguments, short.process.flags], [inline, "execve clone"]);
  const long = ["b".repeat(131_000), "", "c d", "é".repeat(40_000), "e".repeat(100_000)];
  run("long", ["/bin/true", ...long]);
  const [told] = await execsOf("long");
  assert.equal(
    told.process.arguments,
    long.map((one) => (one === "c d" ? '"c d"' : one)).join(" "),
  );
  assert.equal(told.process.flags, "execve clone dataArgs");
  const words = Array.from({ length: 4 }, (_, i) => String(i).repeat(100_000));
  run("cut", ["/bin/true", ...words]);
  const [cut] = await execsOf("cut");
  assert.equal(cut.process.flags, "execve truncArgs clone dataArgs");
  const whole = ["/bin/true", ...words].join(" ");
  assert.equal(`/bin/true ${cut.process.arguments}`, whole.slice(0, 327_360));
});

test("an environment is told of the variables that are asked for, however long it is", async () => {
  run("environment", ["/bin/true"], {}, { LONG: "l".repeat(100_000), ODD: "y" });
  const [{ process }] = await execsOf("environment");
  assert.deepEqual(process.environment_variables, [
    { Key: "MARK", Value: "environment" },
    { Key: "LONG", Value: "l".repeat(100_000) },
  ]);
});

test("a process says who it is, and what its program made it", async () => {
  copyFileSync("/bin/true", "/tmp/setuid-true");
  chmodSync("/tmp/setuid-true", 0o6755);
  run("other", ["/bin/true"], { uid: 65534, gid: 65534 });
  const [{ process: other }] = await execsOf("other");
  const ids = { uid: 65534, gid: 65534, euid: 65534, egid: 65534 };
  const more = { suid: 65534, sgid: 65534, fsuid: 65534, fsgid: 65534 };
  assert.deepEqual(other.process_credentials, { ...ids, ...more });
  assert.deepEqual([other.cap, other.binary_properties], [{}, undefined]);
  run("setuid", ["/tmp/setuid-true"], { uid: 65534, gid: 65534 });
  const [{ process }] = await execsOf("setuid");
  assert.deepEqual(process.binary_properties, {
    ...{ setuid: 0, setgid: 0 },
    privileges_changed: [
      "PRIVILEGES_RAISED_EXEC_FILE_SETUID",
      "PRIVILEGES_RAISED_EXEC_FILE_SETGID",
    ],
  });
  assert.deepEqual([process.uid, process.user], [0, { name: "root" }]);
  assert.ok(process.cap.effective.includes("CAP_SYS_ADMIN"));
  assert.ok(process.cap.effective.includes("DAC_OVERRIDE"));
  run("root", ["/tmp/setuid-true"]);
  assert.equal((await execsOf("root"))[0].process.binary_properties, undefined);
});

test("a process says which namespaces it is in, and which are the host's", async () => {
  run("namespaces", ["unshare", "--uts", "/bin/true"]);
  const [outer, inner] = (await execsOf("namespaces", 2)).map(({ process }) => process.ns);
  const uts = Number(/\d+/.exec(readlinkSync("/proc/1/ns/uts"))?.[0]);
  assert.deepEqual(outer.uts, { inum: uts, is_host: true });
  assert.notEqual(inner.uts.inum, uts);
  assert.deepEqual({ ...inner, uts: outer.uts }, outer);
  const names = ["uts", "ipc", "mnt", "pid", "pid_for_children", "net"];
  assert.deepEqual(Object.keys(outer).slice(0, 6), names);
  assert.deepEqual(Object.keys(outer).slice(-2), ["cgroup", "user"]);
});

test("where another thread than the first execs, the process's image before is the parent", async () => {
  const source = fileURLToPath(new URL("./thread-exec.c", import.meta.url));
  compileC("/tmp/thread-exec", [source], ["-O1", "-pthread"]);
  for (const mark of ["thread-1", "thread-2"]) {
    run(mark, ["/tmp/thread-exec", "/tmp/thread-exec", "/bin/true"]);
    const [first, second, last] = await execsOf(mark, 3);
    assert.equal(first.process.flags, "execve clone");
    assert.deepEqual([second.process.flags, last.process.flags], ["execve", "execve"]);
    assert.equal(second.process.parent_exec_id, first.process.exec_id);
    assert.equal(last.process.parent_exec_id, second.process.exec_id);
    assert.equal(last.parent.binary, "/tmp/thread-exec");
    assert.equal(last.process.pid, first.process.pid);
  }
});

test("what was running before is told with all of that, too", () => {
  const scanned = events().map(({ process_exec }) => process_exec?.process);
  const own = scanned.find((one) => one?.pid === process.pid);
  assert.equal(own.flags.split(" ")[0], "procFS");
  assert.equal(own.process_credentials.euid, 0);
  assert.equal(own.ns.mnt.inum, Number(/\d+/.exec(readlinkSync("/proc/self/ns/mnt"))?.[0]));
  assert.ok(own.cap.permitted.length > 20);
});
