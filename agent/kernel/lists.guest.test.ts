import assert from "node:assert/strict";
import { after, test } from "node:test";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { policyIn, upstreamCase } from "./testing/policies.ts";
import { run, sh } from "./testing/scene.ts";

const kernel = await openGuestKernel();
const { engine, events } = kernel;
after(() => kernel.close());
const { features } = engine.features();
const isMulti = features.includes("kprobe_multi");

function onList(list: string, hook = "") {
  return policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: listed }
spec:
  lists: [{ name: l, ${list} }]
  kprobes:
  - call: list:l
    ${hook}
`);
}

const ofKill = 'selectors: [{ matchBinaries: [{ operator: In, values: ["/usr/bin/kill"] }] }]';

test("a list of system calls is a hook on each", async () => {
  const [state] = await kernel.program([
    onList("type: syscalls, values: [sys_getpriority, sys_setpriority]", "message: both"),
  ]);
  assert.equal(state?.state, "programmed", JSON.stringify(state));
  const { hooks } = await events.during(() =>
    run("node", "-e", "os.getPriority(0); os.setPriority(0, 1)"),
  );
  assert.deepEqual(
    hooks.map(({ call, hook }) => [call, hook]),
    [
      ["__x64_sys_getpriority", 0],
      ["__x64_sys_setpriority", 1],
    ],
  );
});

for (const file of ["list-syscalls-generated", "list-generated-ftrace"]) {
  test(`upstream's ${file} sees what kill calls, by each function's own name`, async (t) => {
    const [state] = await kernel.program([upstreamCase(file)]);
    if (!isMulti) {
      assert.equal(state?.state === "failed" && state.reason, "KernelLacks");
      return t.skip("this kernel has no kprobe.multi: refused, which was shown");
    }
    assert.equal(state?.state, "programmed", JSON.stringify(state));
    const { hooks } = await events.during(() => sh("/usr/bin/kill -0 $$; /usr/bin/true"));
    const calls = new Set(hooks.map(({ call }) => call));
    const [read] = file === "list-generated-ftrace" ? ["ksys_read"] : ["__x64_sys_kill"];
    assert.ok(calls.has(read!), [...calls].join(" "));
    assert.ok(calls.size > 1, [...calls].join(" "));
    const prefix = file === "list-generated-ftrace" ? /^ksys/ : /^__(x64|ia32)_(compat_)?sys_/;
    for (const call of calls) assert.match(call, prefix);
  });
}

test("every entry of every system call is attached to, at the cost of two programs", async (t) => {
  if (!isMulti) return t.skip("this kernel has no kprobe.multi");
  const [state] = await kernel.program([onList("type: generated_syscalls", ofKill)]);
  assert.ok(state?.state === "programmed", JSON.stringify(state));
  assert.equal(state.attachments.length, features.includes("ia32_emulation") ? 2 : 1);
  for (const name of state.attachments) assert.match(name, /^kprobe\.multi:syscalls-/);
});

test("an argument is read where the call has it, and a signal stops the process", async (t) => {
  if (!isMulti) return t.skip("this kernel has no kprobe.multi");
  await kernel.program([
    onList(
      "type: generated_ftrace, pattern: '^__x64_sys_(get|set)priority$'",
      `selectors:
      - matchBinaries: [{ operator: In, values: ["/usr/bin/nice"] }]
        matchActions: [{ action: Sigkill }]`,
    ),
  ]);
  const { hooks } = await events.during(() => sh("/usr/bin/nice true || true"));
  assert.deepEqual(
    hooks.map(({ call, stopped }) => [call, stopped]),
    [["__x64_sys_getpriority", true]],
  );
});

test("a pattern that no function matches, or one that nobody may hook, is refused with the reason", async (t) => {
  if (!isMulti) return t.skip("this kernel has no kprobe.multi");
  const of = async (pattern: string) => {
    const [state] = await kernel.program([
      onList(`type: generated_ftrace, pattern: '${pattern}'`, ofKill),
    ]);
    return state?.state === "failed" ? `${state.reason} ${state.message}` : state?.state;
  };
  assert.equal(
    await of("^guardbee_none$"),
    "HookNotFound ^guardbee_none$: this kernel has no such function; check the pattern",
  );
  assert.match(
    String(await of("^mutex_lock$")),
    /^KernelLacks \^mutex_lock\$: mutex_lock is part of the kernel's locks; narrow the pattern$/,
  );
});
