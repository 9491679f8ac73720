import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ManualClock } from "@guardbee/kube";
import type { Hook, Selector } from "@guardbee/policy";
import pino from "pino";
import type { NamedSet } from "../../../agent/engine.ts";
import { compileC } from "../../../agent/kernel/testing/compile.ts";
import { openGuestKernel } from "../../../agent/kernel/testing/guest-kernel.ts";
import { aSet, policyIn } from "../../../agent/kernel/testing/policies.ts";
import { Cgroup } from "../../../agent/kernel/testing/scene.ts";
import { Misses } from "../../../agent/session/misses.ts";

// Tells most with `preempt=full`: `guest.ts --kernel debian-6.12 --append preempt=full`.

const calls = Number(process.env.GUARDBEE_CALLS ?? 5_000);
const runs = Math.ceil(calls / 20);
const base = "/tmp/preempt";
const [attack, deep, file] = [`${base}/attack`, `${base}/deep`, "/opt/preempt/forbidden"];
const model = "/sys/kernel/debug/sched/preempt";
mkdirSync(deep, { recursive: true });
mkdirSync("/opt/preempt", { recursive: true });
writeFileSync(file, "");
execFileSync("mount", ["-t", "tmpfs", "tmpfs", deep]);
const source = fileURLToPath(new URL("./preempt.c", import.meta.url));
compileC(attack, [source], ["-O1", "-static"]);
copyFileSync(attack, `${base}/forbidden`);

const signal: Selector["actions"] = [{ action: "Signal", signal: 10 }];
const below: Selector["conditions"] = [
  { by: "arg", arg: 0, op: "Prefix", values: ["/opt/preempt/"] },
];

/** On each file that is opened, as `how` says. */
const onOpen = (how: Selector): Hook => ({
  on: { kind: "kprobe", call: "security_file_open", syscall: false },
  args: [{ index: 0, type: "file" }],
  selectors: [how],
});

/** A signal for each write to a file that was followed since it was opened. */
const follow = aSet(
  "follow",
  {
    on: { kind: "kprobe", call: "fd_install", syscall: false },
    args: [
      { index: 0, type: "int" },
      { index: 1, type: "file" },
    ],
    selectors: [
      {
        conditions: [{ by: "arg", arg: 1, op: "Prefix", values: ["/opt/preempt/"] }],
        actions: [{ action: "FollowFD", fd: 0, name: 1 }, { action: "NoPost" }],
      },
    ],
  },
  {
    on: { kind: "kprobe", call: "sys_write", syscall: true },
    args: [{ index: 0, type: "fd" }],
    selectors: [
      {
        conditions: [{ by: "arg", arg: 0, op: "Prefix", values: ["/opt/preempt/"] }],
        actions: signal,
      },
    ],
  },
);
const deny = { conditions: below, actions: [{ action: "Override", error: 1 }] } satisfies Selector;
const lsmOverride = policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: lsm }
spec:
  lsmhooks:
  - hook: file_open
    args: [{ index: 0, type: file }]
    selectors:
    - matchBinaries: [{ operator: In, values: [${attack}] }]
      matchArgs: [{ index: 0, operator: Prefix, values: [/opt/preempt/] }]
      matchActions: [{ action: Override, argError: -1 }]
`);

type Tried = { readonly opened: number; readonly signals: number };
const attempts: readonly {
  name: string;
  set: NamedSet;
  unseen: (tried: Tried) => number;
}[] = [
  {
    name: "a signal at a function",
    set: aSet("signal", onOpen({ conditions: below, actions: signal })),
    unseen: ({ signals }) => calls - signals,
  },
  {
    name: "a signal at what is done with a followed file",
    ...{ set: follow, unseen: ({ signals }) => calls - signals },
  },
  {
    name: "an override of a security_ function",
    ...{ set: aSet("override", onOpen(deny)), unseen: ({ opened }) => opened },
  },
  {
    name: "an override of an LSM hook for an executable",
    ...{ set: lsmOverride, unseen: ({ opened }) => opened },
  },
];

for (const { name, set, unseen } of attempts) {
  test(`of ${calls} calls beside a preempted sibling ${name} misses none, or is refused`, async (t) => {
    const { engine, program, tried } = await openKernel(t);
    const [state] = await program([set]);
    if (state?.state === "failed") {
      assert.equal(state.reason, "KernelLacks");
      assert.match(state.message, /preempts tasks inside of a program/);
      t.diagnostic(`refused: ${state.message}`);
      return;
    }
    t.diagnostic(`${engine.features().features} ${state?.attachments}`);
    assert.equal(unseen(await tried()), 0);
    const missed = engine.misses().filter(({ sets }) => sets.length > 0);
    assert.deepEqual(
      missed.filter(({ program, link }) => program + link > 0),
      [],
    );
  });
}

/** What an exec is to lead to, whatever its tracepoint's programs miss. */
const execs: readonly { readonly name: string; readonly set: NamedSet; readonly what: string }[] = [
  {
    ...{ name: "a forbidden program is kept from running", what: "ran" },
    set: policyIn(`
apiVersion: cilium.io/v1alpha1
kind: ExecPolicy
metadata: { name: programs }
spec:
  rules:
    selectors:
    - matchBinarys: { operator: In, values: [${base}/forbidden] }
    - matchActions: [{ action: Sigkill }]
`),
  },
  {
    ...{ name: "what is for a program holds for it", what: "opened" },
    set: policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: program }
spec:
  lsmhooks:
  - hook: file_open
    args: [{ index: 0, type: file }]
    selectors:
    - matchBinaries: [{ operator: In, values: [${base}/forbidden] }]
      matchArgs: [{ index: 0, operator: Prefix, values: [/opt/preempt/] }]
      matchActions: [{ action: Override, argError: -1 }]
`),
  },
];
for (const { name, set, what } of execs) {
  test(`of ${runs} execs beside a preempted sibling ${name} in each, or is refused`, async (t) => {
    const { engine, program, ran } = await openKernel(t);
    const [state] = await program([set]);
    if (state?.state === "failed") {
      assert.equal(state.reason, "KernelLacks");
      t.diagnostic(`refused: ${state.message}`);
      return;
    }
    const tried = await ran();
    const missed = engine.misses().find(({ attachment }) => attachment === "process_exec");
    t.diagnostic(`${state?.attachments}: ${missed?.program} execs were missed by process_exec`);
    assert.equal(tried[what as "ran" | "opened"], 0, JSON.stringify(tried));
  });
}

const isFull =
  existsSync(model) && execFileSync("cat", [model], { encoding: "utf8" }).includes("(full)");
test("calls that go unseen are counted, and what status says of the set is that it missed calls", {
  skip: !isFull && "this kernel does not preempt tasks inside of programs",
}, async (t) => {
  // As if somebody had switched that on after the agent looked.
  const { engine, program, tried } = await openKernel(t, { [model]: "none (voluntary) full\n" });
  const set = aSet("signal", onOpen({ conditions: below, actions: signal }));
  const [state] = await program([set]);
  assert.deepEqual(state?.state === "programmed" && state.attachments, [
    "fentry:security_file_open",
  ]);
  const { signals } = await tried();
  const missed = engine.misses().find(({ attachment }) => attachment.startsWith("fentry:"))!;
  t.diagnostic(`${calls - signals} of ${calls} unseen, ${missed.program} skipped`);
  assert.ok(calls - signals > 0, "all were seen");
  assert.ok(missed.program >= calls - signals, `${missed.program} were counted`);
  const log = pino({ level: "silent" });
  const misses = new Misses({ engine, onChange: () => {}, clock: new ManualClock(), log });
  misses.read();
  assert.equal(misses.sets().get(set.name)?.reason, "CallsMissed");
});

async function openKernel(t: TestContext, said: Readonly<Record<string, string>> = {}) {
  const kernel = await openGuestKernel({ said });
  t.after(() => kernel.close());
  const cgroup = new Cgroup("/sys/fs/cgroup/guardbee-preempt");
  return {
    engine: kernel.engine,
    program: (sets: readonly NamedSet[]) =>
      kernel.program(sets, {
        host: [],
        cgroups: [{ id: cgroup.id, sets: sets.map((set) => set.name) }],
      }),
    /** What came of the other one. */
    ran: async (): Promise<{ readonly ran: number; readonly opened: number }> => {
      const args = [deep, file, runs, `${base}/forbidden`];
      const { code, out } = await cgroup.sh(`exec ${attack} ${args.join(" ")}`);
      assert.equal(code, 0);
      const [ran, opened] = [...out.matchAll(/\d+/g)].map(Number);
      return { ran: ran!, opened: opened! };
    },
    /** What came of the attack. */
    tried: async (): Promise<Tried> => {
      const { code, out } = await cgroup.sh(`exec ${attack} ${deep} ${file} ${calls}`);
      assert.equal(code, 0);
      const [opened, signals] = [...out.matchAll(/\d+/g)].map(Number);
      return { opened: opened!, signals: signals! };
    },
  };
}
