import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { after, test } from "node:test";
import type { NamedSet } from "../engine.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { aSet, denyWrites, onGetpriority, when } from "./testing/policies.ts";
import { type Ended, run, sh } from "./testing/scene.ts";

// What is attached on a kernel that preempts tasks anywhere, on one that only says so of itself (and
// that it is not older than Linux 6.2): test/e2e/bypass/preempt.guest.test.ts has the attack, on one
// that does.

const said: Readonly<Record<string, string>> = {
  "/proc/sys/kernel/version": "#1 SMP PREEMPT_RT\n",
  "/proc/kallsyms": readFileSync("/proc/kallsyms", "latin1").replaceAll(
    "bpf_task_storage_busy",
    "_",
  ),
};
const kernel = await openGuestKernel({ said });
after(() => kernel.close());
const { features } = kernel.engine.features();

async function attachmentsOf(set: NamedSet): Promise<readonly string[] | string> {
  const [state] = await kernel.program([set]);
  if (state?.state === "programmed") return state.attachments;
  assert.equal(state?.reason, "KernelLacks");
  return state.message;
}

const killed: Ended = { code: null, signal: "SIGKILL", out: "" };

test("the node says how its kernel preempts", () => {
  assert.ok(features.includes("preempt_rt"), `${features}`);
  assert.ok(!features.includes("preempt_voluntary"));
});

test("an override of a system call works by a kprobe, or is refused", async () => {
  const override = { ...when(), actions: [{ action: "Override", error: 1 }] } as const;
  const attached = await attachmentsOf(aSet("p", onGetpriority(override)));
  if (!features.includes("kprobe_override")) {
    assert.match(String(attached), /CONFIG_BPF_KPROBE_OVERRIDE/);
    return;
  }
  const entries = features.includes("ia32_emulation") ? ["__ia32_sys_getpriority"] : [];
  const want = [...entries, "__x64_sys_getpriority"].map((one) => `kprobe_override:${one}`);
  assert.deepEqual(attached, want);
  const { hooks } = await kernel.events.during(async () => {
    const { out } = await run("node", "-p", "try { os.getPriority(0) } catch (e) { e.code }");
    assert.match(out, /EPERM|ERR_SYSTEM_ERROR/);
  });
  assert.ok(hooks.length > 0 && hooks.every(({ stopped }) => stopped));
});

test("files are followed and forgotten by kprobes", async () => {
  mkdirSync("/tmp/forbidden", { recursive: true });
  const attached = await attachmentsOf(denyWrites({}));
  assert.ok(Array.isArray(attached), String(attached));
  const concerned = kernel.engine.misses().filter(({ sets }) => sets.length > 0);
  assert.deepEqual(
    concerned.flatMap(({ attachment }) => attachment.match(/^(fentry|fexit|fmod_ret):.*/) ?? []),
    [],
  );
  assert.deepEqual(
    kernel.engine.misses().flatMap(({ attachment }) => attachment.match(/^file_freed.*/) ?? []),
    ["file_freed_kprobe"],
  );
  rmSync("/tmp/forbidden/x", { force: true });
  assert.deepEqual(await sh("echo hi >/tmp/forbidden/x"), killed);
  assert.equal(readFileSync("/tmp/forbidden/x", "utf8"), "");
  // Opened and closed, not written: their addresses become other files', which nobody follows.
  const opened = "for i in $(seq 300); do : >/tmp/forbidden/x; done";
  assert.deepEqual(await sh(`${opened}; for i in $(seq 300); do echo hi >/tmp/other; done`), {
    ...{ code: 0, signal: null, out: "" },
  });
  await kernel.program([]);
  assert.ok(!existsSync(`${kernel.bpffs}/links/file_freed_kprobe`));
});
