import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import type { SeenHook } from "./testing/event-log.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { policyIn } from "./testing/policies.ts";
import { sh } from "./testing/scene.ts";

const kernel = await openGuestKernel();
const { events } = kernel;
after(() => kernel.close());

const folder = "/tmp/resolve";
mkdirSync(folder, { recursive: true });
for (const name of ["secret", "secrets", "public"]) writeFileSync(`${folder}/${name}`, "text");

/** A policy of one hook, with these sections of it. */
function policy(name: string, hook: string, section = "kprobes") {
  const indented = hook.trim().replaceAll("\n", "\n    ");
  return policyIn(`apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata:
  name: ${name}
spec:
  ${section}:
  - ${indented}
`);
}

function textOf(arg: SeenHook["args"][number]): string {
  if ("text" in arg) return arg.text;
  if ("path" in arg) return arg.path;
  return "value" in arg ? String(arg.value) : arg.type;
}

const cat = (name: string) => sh(`cat ${folder}/${name} || exit 1`);

test("an open is denied by the name that a path of members leads to, and one like it is not", async () => {
  const deny = policy(
    "by-name",
    `
call: security_file_open
syscall: false
args:
- index: 0
  type: string
  resolve: f_path.dentry.d_name.name
- index: 0
  type: file
selectors:
- matchArgs:
  - {args: [0], operator: Equal, values: [secret]}
  matchActions:
  - {action: Sigkill}`,
  );
  await kernel.program([deny]);
  let codes: readonly unknown[] = [];
  const { hooks } = await events.during(async () => {
    codes = [await cat("secret"), await cat("secrets"), await cat("public")].map(
      ({ code }) => code,
    );
  });
  assert.deepEqual(codes, [1, 0, 0]);
  assert.deepEqual(
    hooks.map(({ args }) => args.map(textOf)),
    [["secret", `${folder}/secret`]],
  );
});

test("the grandparent of who executes something is told, as in upstream's example", async () => {
  const told = policy(
    "grandparent",
    `
hook: bprm_check_security
args:
- index: 0
  type: string
  resolve: mm.owner.real_parent.comm
- index: 0
  type: linux_binprm
selectors:
- matchArgs:
  - {args: [1], operator: Equal, values: [/usr/bin/true]}`,
    "lsmhooks",
  );
  await kernel.program([told]);
  // The mark of the log is such an exec, too, by this process.
  const { hooks } = await events.during(() =>
    sh("cp /bin/sh /tmp/resolve-sh; /tmp/resolve-sh -c 'true; /usr/bin/true; true'"),
  );
  const parents = hooks.map(({ args }) => textOf(args[0]!));
  assert.ok(parents.includes("resolve-sh"), parents.join());
});

test("what the task is tells calls apart: its name, its user, and what of it no kernel has is refused", async () => {
  const data = (name: string, resolve: string, match: string) =>
    policy(
      name,
      `
call: sys_getpriority
args:
- index: 0
  type: int
data:
- {index: 0, type: string, source: current_task, resolve: comm}
- {index: 0, type: uint32, source: current_task, resolve: ${resolve}}
selectors:
- matchData:
  - ${match}`,
    );
  const states = await kernel.program([
    data("by-comm", "cred.uid.val", "{index: 0, operator: Prefix, values: [ren]}"),
    data("by-other", "cred.uid.val", "{index: 0, operator: Equal, values: [rename]}"),
    data("by-user", "cred.uid.val", "{index: 1, operator: Equal, values: ['65534']}"),
    data("by-none", "cred.uid.nothing", "{index: 1, operator: Equal, values: ['0']}"),
  ]);
  const failed = states.filter(({ state }) => state !== "programmed");
  assert.deepEqual(
    failed.map((one) => ("reason" in one ? [one.reason, one.message] : one)),
    [["KernelLacks", "sys_getpriority: data[1].resolve: kuid_t has no member nothing"]],
  );
  const { hooks } = await events.during(async () => {
    await sh("renice -n 0 -p 1");
    await sh("setpriv --reuid 65534 renice -n 0 -p 1");
  });
  const told = new Set(hooks.map(({ policy: by, args }) => [by, ...args.map(textOf)].join(" ")));
  assert.deepEqual([...told].sort(), [
    "tracingpolicy.by-comm 0 renice 0",
    "tracingpolicy.by-comm 0 renice 65534",
    "tracingpolicy.by-user 0 renice 65534",
  ]);
});

test("registers are as the call was made with them, and parts of them", async () => {
  const whole = (name: string, type: string, register: string, value: string) =>
    policy(
      name,
      `
call: sys_lseek
args:
- index: 0
  type: int
data:
- {index: 0, type: ${type}, source: pt_regs, resolve: ${register}}
selectors:
- matchData:
  - {index: 0, operator: Equal, values: ["${value}"]}`,
    );
  await kernel.program([
    whole("whole", "uint64", "rsi", String(0x1_0000_0203)),
    whole("half", "uint32", "esi", String(0x203)),
    whole("quarter", "uint16", "si", String(0x203)),
    whole("byte", "uint8", "sil", "3"),
    whole("other", "uint32", "esi", "3"),
  ]);
  const { hooks } = await events.during(() =>
    sh(`perl -e 'open(F, "<", "${folder}/public"); sysseek(F, ${0x1_0000_0203}, 0)' || exit 1`),
  );
  assert.deepEqual(
    hooks.map(({ policy: by, args }) => [by.split(".")[1], textOf(args[1]!)]).sort(),
    [
      ["byte", "3"],
      ["half", String(0x203)],
      ["quarter", String(0x203)],
      ["whole", String(0x1_0000_0203)],
    ],
  );
});
