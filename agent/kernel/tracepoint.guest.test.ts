import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { after, test } from "node:test";
import type { SeenHook } from "./testing/event-log.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { inMode, policyIn } from "./testing/policies.ts";
import { type Ended, run } from "./testing/scene.ts";

const folder = "/tmp/tracepoint";
const perl = `${folder}/perl`;
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
copyFileSync("/usr/bin/perl", perl);

const kernel = await openGuestKernel();
const { program, events, engine } = kernel;
after(() => kernel.close());

const ended = (out: string): Ended => ({ code: 0, signal: null, out });
const seen = ({ call, action, monitored, stopped, args }: SeenHook) =>
  [call, action, monitored && "monitored", stopped && "stopped", ...args.map(textOf)]
    .filter(Boolean)
    .join(" ");
const textOf = (arg: SeenHook["args"][number]) =>
  ("text" in arg && arg.text) || ("path" in arg && arg.path) || ("value" in arg && arg.value);

/** A process that is called `name` from then on, and says that it lives. */
const rename = (name: string) => run(perl, "-e", `$0 = "${name}"; print "alive"`);

const onRename = (actions: string) =>
  policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: no-disguise }
spec:
  tracepoints:
  - subsystem: task
    event: task_rename
    raw: true
    args: [{ index: 1, type: string }]
    selectors:
    - matchBinaries: [{ operator: In, values: [${perl}] }]
      matchArgs: [{ index: 1, operator: Prefix, values: [kworker] }]
      matchActions: ${actions}
`);

test("at a raw tracepoint Sigkill ends who does what the selector says, and nobody else", async () => {
  const [state] = await program([onRename("[{ action: Sigkill }]")]);
  assert.ok(state?.state === "programmed", JSON.stringify(state));
  assert.deepEqual(state.attachments, ["raw_tp:task_rename"]);
  const killed = await events.during(async () => {
    assert.deepEqual(await rename("kworker/0:1"), { code: null, signal: "SIGKILL", out: "" });
    assert.deepEqual(await rename("perl"), ended("alive"));
  });
  assert.deepEqual(killed.hooks.map(seen), ["task/task_rename Sigkill stopped kworker/0:1"]);
  const record = killed.events.find((event) => event.kind === "hook")!;
  const { event, names } = engine.hookOf(record.hook, record.entry)!;
  assert.deepEqual(
    { event, names },
    { event: "process_tracepoint", names: { subsys: "task", event: "task_rename" } },
  );
});

test("at a raw tracepoint monitor mode reports who would be killed", async () => {
  await program([inMode("monitor", onRename("[{ action: Sigkill }]"))]);
  const { hooks } = await events.during(async () => {
    assert.deepEqual(await rename("kworker/0:1"), ended("alive"));
  });
  assert.deepEqual(hooks.map(seen), ["task/task_rename Sigkill monitored kworker/0:1"]);
});

test("a raw tracepoint reads what the kernel's code hands over: sched_process_exec the image", async () => {
  await program([
    policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: execs }
spec:
  tracepoints:
  - subsystem: sched
    event: sched_process_exec
    raw: true
    args: [{ index: 2, type: linux_binprm }]
    selectors:
    - matchArgs: [{ index: 2, operator: Equal, values: [${perl}] }]
`),
  ]);
  const { hooks } = await events.during(() => rename("perl"));
  assert.deepEqual(hooks.map(seen), [`sched/sched_process_exec Post ${perl}`]);
});

test("a raw tracepoint that is not there, and a parameter that it has not, are refused", async () => {
  const refusals = await program(
    [
      { name: "missing", event: "no_such_event", index: 0 },
      { name: "beyond", event: "task_rename", index: 3 },
    ].map(({ name, event, index }) =>
      policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: ${name} }
spec:
  tracepoints:
  - { subsystem: task, event: ${event}, raw: true, args: [{ index: ${index}, type: int }] }
`),
    ),
  );
  assert.deepEqual(
    refusals.map((one) => one.state === "failed" && one.message),
    [
      "task/no_such_event: this kernel has no such tracepoint, or has it in a module; check the event",
      "task_rename: it has 2 parameters here, and none with index 3",
    ].sort(),
  );
});

const onEvent = (name: string, hook: string) =>
  policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: ${name} }
spec:
  tracepoints:
  - ${hook}
`);
const onlyPerl = `matchBinaries: [{ operator: In, values: [${perl}] }]`;
const attachmentsOf = async (...sets: Parameters<typeof program>[0]) =>
  (await program(sets)).map((one) =>
    one.state === "programmed" ? one.attachments.join(" ") : one.message,
  );

test("a tracepoint shows the fields of its format file, and kills by what is in them", async () => {
  const fields = readFileSync("/sys/kernel/tracing/events/task/task_rename/format", "utf8");
  const names = [...fields.matchAll(/field:.* (\w+)(?:\[16\])?;\toffset/g)].map(([, name]) => name);
  const [old, now] = [names.indexOf("oldcomm"), names.indexOf("newcomm")];
  const policy = onEvent(
    "typed",
    `{ subsystem: task, event: task_rename, args: [{ index: ${old} }, { index: ${now}, type: string }, { index: ${now + 1} }],
    selectors: [{ ${onlyPerl}, matchArgs: [{ index: ${now}, operator: Postfix, values: [er/0:1] }],
      matchActions: [{ action: Sigkill }] }, { ${onlyPerl} }] }`,
  );
  assert.deepEqual(await attachmentsOf(policy), ["tracepoint:task:task_rename"]);
  const { hooks } = await events.during(async () => {
    assert.deepEqual(await rename("kworker/0:1"), { code: null, signal: "SIGKILL", out: "" });
    assert.deepEqual(await rename("lamb"), ended("alive"));
  });
  assert.deepEqual(hooks.map(seen), [
    "task/task_rename Sigkill stopped perl kworker/0:1",
    "task/task_rename Post perl lamb",
  ]);
  assert.deepEqual(hooks[0]!.args[2], { type: "int16", value: 0 });
});

test("where a system call is entered the call itself is hooked, by its 32-bit entries too", async () => {
  const policy = onEvent(
    "entered",
    `{ subsystem: syscalls, event: sys_enter_rmdir, args: [{ index: 5, type: string }],
    selectors: [{ matchArgs: [{ index: 5, operator: Prefix, values: [/tmp/tracepoint/no] }],
      matchActions: [{ action: Sigkill }] }] }`,
  );
  const [attached] = await attachmentsOf(policy);
  assert.match(attached!, /\w+:__x64_sys_rmdir$/);
  const { hooks } = await events.during(async () => {
    const { signal } = await run(perl, "-e", `rmdir "/tmp/tracepoint/nothing"`);
    assert.equal(signal, "SIGKILL");
    assert.deepEqual(
      await run(perl, "-e", `rmdir "/tmp/tracepoint/else"; print "alive"`),
      ended("alive"),
    );
  });
  assert.deepEqual(hooks.map(seen), [
    "syscalls/sys_enter_rmdir Sigkill stopped /tmp/tracepoint/nothing",
  ]);
});

test("a tracepoint shows what a call returned, where it is left, and the numbers of a system call", async () => {
  const left = onEvent(
    "left",
    `{ subsystem: syscalls, event: sys_exit_rmdir, args: [{ index: 5 }], selectors: [{ ${onlyPerl} }] }`,
  );
  const entered = onEvent(
    "entered",
    `{ subsystem: raw_syscalls, event: sys_enter, args: [{ index: 5 }],
    selectors: [{ ${onlyPerl}, matchActions: [{ action: Post, rateLimit: 1h }] }] }`,
  );
  assert.deepEqual(await attachmentsOf(left, entered), [
    "tracepoint:syscalls:sys_exit_rmdir",
    "tracepoint:raw_syscalls:sys_enter",
  ]);
  const { hooks } = await events.during(() => run(perl, "-e", `rmdir "/tmp/tracepoint/else"`));
  const returned = hooks.filter(({ call }) => call === "syscalls/sys_exit_rmdir");
  assert.deepEqual(
    returned.map(({ args }) => args),
    [[{ type: "int64", value: -2n }]],
  );
  const numbers = hooks.find(({ call }) => call === "raw_syscalls/sys_enter")!.args[0]!;
  assert.ok(numbers.type === "const_buf" && numbers.element === 8 && numbers.bytes.length === 48);
});

test("at a call's exit, where 32-bit calls are not told of, nothing that stops is taken", async () => {
  const [said] = await attachmentsOf(
    onEvent(
      "left",
      "{ subsystem: syscalls, event: sys_exit_rmdir, selectors: [{ matchActions: [{ action: Sigkill }] }] }",
    ),
  );
  const takes32Bit = engine.features().features.includes("ia32_emulation");
  assert.match(said!, takes32Bit ? /does not tell of 32-bit system calls/ : /^tracepoint:/);
});
