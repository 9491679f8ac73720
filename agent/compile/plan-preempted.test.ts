import assert from "node:assert/strict";
import { test } from "node:test";
import type { Action, Arg, Hook } from "@guardbee/policy";
import type { AttachAbilities } from "../attach/index.ts";
import type { NamedSet, Refusal } from "../engine.ts";
import { describePoint, plan } from "./plan.ts";
import {
  ableKernel,
  aSet,
  doing,
  fileOpen,
  onExec,
  onLsm,
  onWrite,
  securityTypes,
} from "./testing/compiled.ts";

// On kernels that preempt tasks inside of programs. plan.test.ts is about all others.

const returned: Arg = { index: 1, type: "char_buf", returnCopy: true };

const preempting: AttachAbilities = {
  ...{ ...ableKernel, preempts: true },
  features: { ...ableKernel.features, kprobe_override: true },
  typesOf: (symbol) => {
    const ofEnter = { parameters: ["struct bpf_prog *"], returns: "unsigned long long" };
    return symbol === "__bpf_prog_enter_recur" ? ofEnter : securityTypes[symbol];
  },
};
/** One that skips LSM programs as well. */
const skippingAll: AttachAbilities = { ...preempting, typesOf: (symbol) => securityTypes[symbol] };
const withoutModule = { ...preempting, securityModules: ["capability"] };

const followsAndStops = aSet(
  "p",
  onWrite([{ index: 0, type: "fd" }], { conditions: [], actions: [{ action: "Sigkill" }] }),
  {
    on: { kind: "kprobe", call: "fd_install", syscall: false },
    args: [
      { index: 0, type: "int" },
      { index: 1, type: "file" },
    ],
    selectors: [{ conditions: [], actions: [{ action: "FollowFD", fd: 0, name: 1 }] }],
  },
);
const monitored = ({ set, ...rest }: NamedSet): NamedSet => ({
  ...rest,
  set: { ...set, mode: "monitor" },
});
const sigkill = { action: "Sigkill" } as const;
const override = { action: "Override", error: 1 } as const;
const ofFunction = (...actions: readonly Action[]): Hook => ({
  ...doing(...actions),
  on: fileOpen,
});

const taskRename = { kind: "rawTracepoint", subsystem: "task", event: "task_rename" } as const;

const preempted: readonly {
  name: string;
  set: NamedSet;
  can?: AttachAbilities;
  want: readonly string[];
}[] = [
  { name: "a report", set: aSet("p", doing()), want: ["fentry:__x64_sys_write"] },
  { name: "a signal", set: aSet("p", doing(sigkill)), want: ["kprobe:__x64_sys_write"] },
  {
    name: "a signal in monitor mode",
    ...{ set: monitored(aSet("p", doing(sigkill))), want: ["fentry:__x64_sys_write"] },
  },
  {
    name: "what follows for another hook that stops",
    ...{ set: followsAndStops, want: ["kprobe:__x64_sys_write", "kprobe:fd_install"] },
  },
  {
    name: "what follows, of a set in monitor mode",
    set: monitored(followsAndStops),
    want: ["fentry:__x64_sys_write", "fentry:fd_install"],
  },
  {
    name: "an override of a system call",
    ...{ set: aSet("p", doing(override)), want: ["kprobe_override:__x64_sys_write"] },
  },
  {
    name: "an override of a security_ function",
    ...{ set: aSet("p", ofFunction(override)), want: ["lsm:file_open"] },
  },
  {
    name: "a signal on a security_ function",
    ...{ set: aSet("p", ofFunction(sigkill)), want: ["kprobe:security_file_open"] },
  },
  {
    name: "an override of an LSM hook",
    ...{ set: aSet("p", onLsm("file_open", override)), want: ["lsm:file_open"] },
  },
  {
    name: "a signal on an LSM hook where LSM programs are skipped",
    set: aSet("p", onLsm("file_open", sigkill)),
    ...{ can: skippingAll, want: ["kprobe:security_file_open"] },
  },
  {
    name: "a report of an LSM hook where LSM programs are skipped",
    ...{ set: aSet("p", onLsm("file_open")), can: skippingAll, want: ["lsm:file_open"] },
  },
  {
    name: "LSM hooks where BPF is no security module",
    set: aSet("p", onLsm("file_open", sigkill), onLsm("bprm_check_security")),
    ...{ can: withoutModule, want: ["kprobe:security_file_open", "fmod_ret:security_bprm_check"] },
  },
  { name: "an exec", set: aSet("p", onExec), want: ["exec:sched_process_exec"] },
  {
    name: "an exec at whose tracepoint tasks are preempted",
    set: aSet("p", { ...onExec, selectors: [{ conditions: [], actions: [sigkill] }] }),
    can: { ...preempting, preemptsTracepoints: true },
    want: ["exec.kprobe:security_bprm_committed_creds"],
  },
  {
    name: "a report of such an exec",
    set: aSet("p", onExec),
    ...{ can: { ...preempting, preemptsTracepoints: true }, want: ["exec:sched_process_exec"] },
  },
  {
    name: "a stop at a tracepoint",
    set: aSet("p", { ...doing(sigkill), on: { ...taskRename, kind: "tracepoint" } }),
    want: ["tracepoint:task:task_rename"],
  },
  {
    name: "a report of a raw tracepoint",
    ...{ set: aSet("p", { ...doing(), on: taskRename }), want: ["raw_tp:task_rename"] },
  },
];
for (const { name, set, can = preempting, want } of preempted) {
  test(`where tasks are preempted in programs, plan serves ${name} with ${want}`, () => {
    const planned = plan([set], can);
    assert.deepEqual(planned.refused, new Map());
    assert.deepEqual(planned.points.map(describePoint), want);
  });
}

test("where tasks are preempted, what only reports shares no program with what sees every call", () => {
  const stops = aSet("z", ofFunction(sigkill), onLsm("file_open", sigkill));
  const reports = aSet("a", ofFunction(), onLsm("file_open"));
  const { points } = plan([reports, stops], withoutModule);
  assert.deepEqual(
    points.map((point) => [describePoint(point), point.hooks.map(({ set }) => set.name)]),
    [
      ["fmod_ret:security_file_open", ["a", "a"]],
      ["kprobe:security_file_open", ["z", "z"]],
    ],
  );
});

const forOverride =
  "for Override bpf among its security modules (lsm=) and Linux 6.2, or one that does not skip LSM programs: use Sigkill";
function unseen(symbol: string, needs: string): Refusal {
  const message = `${symbol}: this kernel preempts tasks inside of a program, and then skips it for others; to see every call nevertheless takes ${needs}; or boot it with preempt=voluntary, where it has that`;
  return { reason: "KernelLacks", message };
}

const refused: readonly {
  name: string;
  hook: Hook;
  can: AttachAbilities;
  want: Refusal;
}[] = [
  {
    name: "a stop where tasks are preempted and there are no kprobes",
    hook: doing(sigkill),
    can: { ...preempting, features: { ...preempting.features, kprobe: false } },
    want: unseen(
      "__x64_sys_write",
      "kprobes, which it does not give (CONFIG_FPROBE; or CONFIG_KPROBE_EVENTS and sysctl kernel.perf_event_paranoid=2)",
    ),
  },
  {
    name: "a stop where tasks are preempted and any process keeps kprobes from running",
    ...{ hook: doing(sigkill), can: { ...preempting, unprivilegedBpf: true } },
    want: unseen(
      "__x64_sys_write",
      "that nobody else makes BPF maps (sysctl kernel.unprivileged_bpf_disabled=1)",
    ),
  },
  {
    name: "Override of a system call where tasks are preempted, without error injection",
    hook: doing(override),
    can: { ...preempting, features: { ...preempting.features, kprobe_override: false } },
    want: unseen(
      "__x64_sys_write",
      "for Override error injection, which it is built without (CONFIG_BPF_KPROBE_OVERRIDE): use Sigkill",
    ),
  },
  {
    name: "a stop at a tracepoint where any process keeps perf events from running",
    hook: { ...doing(sigkill), on: { ...taskRename, kind: "tracepoint" } },
    can: { ...preempting, unprivilegedBpf: true },
    want: unseen(
      "task:task_rename",
      "that nobody else makes BPF maps (sysctl kernel.unprivileged_bpf_disabled=1)",
    ),
  },
  {
    name: "a stop at a raw tracepoint",
    ...{ hook: { ...doing(sigkill), on: taskRename }, can: preempting },
    want: unseen(
      "task_rename",
      "a tracepoint that is not raw, or a hook on the function that it is in",
    ),
  },
  {
    name: "Override of a security_ function where LSM programs are skipped, too",
    ...{ hook: ofFunction(override), can: skippingAll },
    want: unseen("security_file_open", forOverride),
  },
  {
    name: "Override of an LSM hook where tasks are preempted and BPF is no security module",
    ...{ hook: onLsm("file_open", override), can: withoutModule },
    want: unseen("file_open", forOverride),
  },
  {
    name: "a stop of a call whose events say what it returned",
    hook: { ...doing(sigkill), returned: { type: "int" } },
    can: preempting,
    want: unseen("__x64_sys_write", "that return and returnArg are dropped"),
  },
  {
    name: "Override of a security_ function whose events say what it returned",
    hook: { ...ofFunction(override), returned: { type: "int" } },
    can: preempting,
    want: unseen("security_file_open", "that return and returnArg are dropped"),
  },
  {
    name: "Override of a security_ function without an LSM hook of its parameters",
    hook: { ...ofFunction(override), on: { ...fileOpen, call: "security_inode_rename" } },
    can: preempting,
    want: unseen(
      "security_inode_rename",
      "an LSM hook with the same parameters, which it has not: use Sigkill",
    ),
  },
];
for (const { name, hook, can, want } of refused) {
  test(`plan refuses the whole set for ${name}`, () => {
    const { refused, points } = plan([aSet("bad", onExec, hook)], can);
    assert.deepEqual([Object.fromEntries(refused), points], [{ bad: want }, []]);
  });
}

test("where processes are not known while others are preempted, plan refuses all that stops something", () => {
  const can = { ...preempting, hidesProcesses: true };
  const stops: Hook = { ...onExec, selectors: [{ conditions: [], actions: [sigkill] }] };
  const sets = [stops, doing(sigkill), onLsm("file_open", override)].map((hook, i) =>
    aSet(`p${i}`, hook),
  );
  const { refused, points } = plan([...sets, aSet("report", doing(), onExec)], can);
  const message =
    "this kernel preempts tasks inside of a program, and may then keep from others which process they decide about (before Linux 6.2); boot it with preempt=voluntary";
  const want = sets.map(({ name }) => [name, { reason: "KernelLacks", message }]);
  assert.deepEqual([...refused], want);
  assert.deepEqual(points.map(describePoint), [
    "fentry:__x64_sys_write",
    "exec:sched_process_exec",
  ]);
  assert.deepEqual(plan(sets, { ...can, preempts: false }).refused, new Map());
});

test("plan refuses a set that follows at return for another hook, where tasks are preempted", () => {
  const [stops, follows] = followsAndStops.set.hooks;
  const atReturn: Hook = { ...follows!, args: [...follows!.args, { ...returned, index: 2 }] };
  const { refused } = plan([aSet("p", stops!, atReturn)], preempting);
  assert.deepEqual(refused.get("p"), unseen("fd_install", "that returnCopy is dropped"));
  assert.deepEqual(plan([aSet("p", stops!, atReturn)], ableKernel).refused, new Map());
});
