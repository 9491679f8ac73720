import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { native, workspace } from "./native/testdata/fixture.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { denyWrites } from "./testing/policies.ts";

const folder = workspace();
const kernel = await openGuestKernel();
after(() => kernel.close());

test("a link knows of the calls that the kernel kept from its program", () => {
  const object = native.openObject(join(folder, "recursion.bpf.o"));
  object.load();
  const [onComm, onExec] = [object.attach("on_comm"), object.attach("on_exec")];
  const pin = (name: string) => join(folder, "bpffs", name);
  for (const name of ["on_comm", "on_exec"]) object.pinProgram(name, pin(name));
  assert.deepEqual(onExec.misses(pin("on_exec")), { program: 0, link: 0 });
  const before = onComm.misses(pin("on_comm")).program;
  spawnSync("/bin/true");
  assert.ok(onComm.misses(pin("on_comm")).program > before);
  for (const link of [onComm, onExec]) link.close();
  object.close();
});

test("of each program in force the engine knows what it missed, and whom that concerns", async () => {
  const set = denyWrites({});
  await kernel.program([set]);
  const misses = kernel.engine.misses();
  const { name } = set;
  const concerned = misses.map(({ attachment, sets }) => `${attachment.split(":").at(-1)} ${sets}`);
  for (const one of ["fd_install", "__x64_sys_write", "process_exec", "process_fork"]) {
    assert.ok(concerned.includes(`${one} ${name}`), `${one} in ${concerned}`);
  }
  assert.ok(concerned.some((one) => one.startsWith("file_freed") && one.endsWith(` ${name}`)));
  await kernel.program([]);
  const left = kernel.engine.misses();
  assert.deepEqual(
    left.map(({ attachment, sets }) => [attachment, sets]),
    [
      "cgroup_gone",
      "cgroup_leave",
      "cgroup_moved",
      "process_exec",
      "process_exit",
      "process_fork",
    ].map((one) => [one, []]),
  );
});

/** Kprobes take a perf event without FPROBE, and Debian keeps those from who has not CAP_SYS_ADMIN. */
const areKept =
  !kernel.engine.features().features.includes("kprobe_multi") &&
  Number(readFileSync("/proc/sys/kernel/perf_event_paranoid", "utf8")) > 2;
const what = areKept ? "are known to be refused" : "can be attached, and what is missed be read,";
test(`kprobes ${what} with the agent's own capabilities`, async () => {
  await kernel.program([denyWrites({})]);
  const text = readFileSync(new URL("../../config/base/agent.yaml", import.meta.url), "utf8");
  const names = text
    .match(/add: \[(.*BPF.*)\]/)![1]!
    .toLowerCase()
    .split(", ");
  const script = `
    const { loadNative } = await import(process.argv[1]);
    const [, , hook, objects] = process.argv;
    const native = loadNative();
    const refusal = native.kprobeRefusal();
    if (refusal !== null) {
      console.log(refusal);
      process.exit();
    }
    const object = native.openObject(objects + "/kprobe.bpf.o");
    object.load();
    object.attachKprobe("on_call", "security_file_open", { ret: false }).close();
    console.log(JSON.stringify(native.openPinnedLink(hook + "/link").misses(hook + "/program")));`;
  const [hook] = globSync(`${kernel.bpffs}/*/hooks/*`);
  const args = [fileURLToPath(new URL("native.ts", import.meta.url)), hook!, folder];
  const bounding = ["-all", ...names.map((name) => `+${name}`)].join(",");
  const node = ["node", "--input-type=module", "-e", script, ...args];
  const done = spawnSync("setpriv", ["--bounding-set", bounding, ...node], { encoding: "utf8" });
  const expected = areKept ? "EACCES" : '{"program":0,"link":0}';
  assert.deepEqual([done.stdout, done.stderr], [`${expected}\n`, ""]);
});
