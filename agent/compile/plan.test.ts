import assert from "node:assert/strict";
import { test } from "node:test";
import type { Action, Arg, Hook } from "@guardbee/policy";
import type { AttachAbilities, FunctionTypes } from "../attach/index.ts";
import type { Refusal } from "../engine.ts";
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

const returned: Arg = { index: 1, type: "char_buf", returnCopy: true };
const onRead: Hook = { ...doing(), args: [returned] };

function onReadline(...actions: readonly Action[]): Hook {
  return { ...doing(...actions), on: { kind: "uprobe", path: "/bin/bash", symbol: "readline" } };
}

const answering = (answers: AttachAbilities["features"]) => ({
  features: { ...ableKernel.features, ...answers },
});

const functions: Readonly<Record<string, FunctionTypes>> = {
  ...securityTypes,
  bpf_lsm_cred_free: { parameters: ["struct cred *"], returns: "void" },
};
const lsmKernel = { ...ableKernel, typesOf: (symbol: string) => functions[symbol] };

const taskRename = { kind: "rawTracepoint", subsystem: "task", event: "task_rename" } as const;

const kinds: readonly {
  name: string;
  hook: Hook;
  lacks?: AttachAbilities["features"];
  /** Security modules that are not active. */
  without?: readonly string[];
  want: string;
}[] = [
  { name: "a report", hook: doing(), want: "fentry:__x64_sys_write" },
  { name: "a signal", hook: doing({ action: "Sigkill" }), want: "fentry:__x64_sys_write" },
  {
    name: "an override",
    hook: doing({ action: "Override", error: 1 }),
    want: "fmod_ret:__x64_sys_write",
  },
  {
    name: "an override of a security_ function without error injection",
    hook: { ...doing({ action: "Override", error: 1 }), on: fileOpen },
    lacks: { fmod_ret_syscalls: false },
    want: "fmod_ret:security_file_open",
  },
  { name: "an LSM hook", hook: onLsm("file_open"), want: "lsm:file_open" },
  {
    name: "an LSM hook where BPF is no security module",
    ...{ hook: onLsm("file_open"), without: ["bpf"], want: "fmod_ret:security_file_open" },
  },
  {
    name: "an LSM hook whose function goes by another name",
    ...{ hook: onLsm("bprm_check_security"), without: ["bpf"] },
    want: "fmod_ret:security_bprm_check",
  },
  {
    name: "a raw tracepoint",
    hook: { ...doing({ action: "Sigkill" }), on: taskRename },
    want: "raw_tp:task_rename",
  },
  { name: "a buffer at return", hook: onWrite([returned]), want: "fexit:__x64_sys_write" },
  { name: "an exec", hook: onExec, want: "exec:sched_process_exec" },
  { name: "a uprobe", hook: onReadline(), want: "uprobe:/bin/bash:readline" },
  {
    name: "an override of a program's function",
    hook: onReadline({ action: "Override", error: 1 }),
    want: "uprobe_override:/bin/bash:readline",
  },
  {
    name: "a report without fentry",
    hook: doing(),
    lacks: { fentry: false },
    want: "kprobe:__x64_sys_write",
  },
];
for (const { name, hook, lacks = {}, without = [], want } of kinds) {
  test(`plan serves ${name} with ${want}`, () => {
    const planned = plan([aSet("p", hook)], {
      ...{ ...lsmKernel, ...answering(lacks) },
      securityModules: lsmKernel.securityModules.filter((one) => !without.includes(one)),
    });
    assert.deepEqual(planned.points.map(describePoint), [want]);
  });
}

test("a hook that may be missing is left out where its function is, and keeps no other from its place", () => {
  const missing: Hook = {
    ...doing(),
    on: { kind: "kprobe", call: "of_tomorrow", syscall: false },
    mayBeMissing: true,
  };
  const { points, refused } = plan([aSet("p", missing, doing())], {
    ...ableKernel,
    hasFunction: (symbol) => symbol !== "of_tomorrow",
  });
  assert.deepEqual(refused, new Map());
  assert.deepEqual(
    points.map((point) => [describePoint(point), point.hooks.map(({ index }) => index)]),
    [["fentry:__x64_sys_write", [1]]],
  );
});

test("sets share an attach point, in the order of their names", () => {
  const { points } = plan([aSet("b", doing()), aSet("a", doing(), onExec)], ableKernel);
  assert.deepEqual(
    points.map((point) => [describePoint(point), point.hooks.map(({ set }) => set.name)]),
    [
      ["fentry:__x64_sys_write", ["a", "b"]],
      ["exec:sched_process_exec", ["a"]],
    ],
  );
});

test("hooks on a place in a file share a program where all that they say of the file is the same", () => {
  const on = { kind: "uprobe", path: "/bin/bash", symbol: "main" } as const;
  const hooks = [on, on, { ...on, offset: 4 }, { ...on, digests: "sha1:00" }].map(
    (one): Hook => ({ ...doing(), on: one }),
  );
  const { points } = plan([aSet("p", ...hooks)], ableKernel);
  assert.deepEqual(
    points.map((point) => [describePoint(point), point.hooks.map(({ index }) => index)]),
    [
      ["uprobe:/bin/bash:main", [0, 1]],
      ["uprobe:/bin/bash:main+0x4", [2]],
      ["uprobe:/bin/bash:main", [3]],
    ],
  );
});

const ia32 = (symbol: string) => ({ symbol, number: 2, registers: "32-bit" }) as const;
const with32Bit: AttachAbilities = {
  ...ableKernel,
  entriesOf: ({ on }) => (on.kind === "kprobe" && on.syscall ? [ia32(`__ia32_${on.call}`)] : []),
};

test("a hook on a system call is served on every entry, as the same hook", () => {
  const override = doing({ action: "Override", error: 1 });
  const { points } = plan([aSet("p", override, onRead, onExec)], with32Bit);
  assert.deepEqual(
    points.map((point) => [
      describePoint(point),
      point.syscall,
      point.entry,
      point.hooks.map(({ index }) => index),
    ]),
    [
      ["fmod_ret:__x64_sys_write", "own", undefined, [0]],
      ["fmod_ret:__ia32_sys_write", "32-bit", 2, [0]],
      ["fexit:__x64_sys_write", "own", undefined, [1]],
      ["fexit:__ia32_sys_write", "32-bit", 2, [1]],
      ["exec:sched_process_exec", false, undefined, [2]],
    ],
  );
});

test("an LSM hook without BPF as a security module shares the program of its function", () => {
  const kprobe: Hook = { ...doing(), on: fileOpen };
  const { points } = plan([aSet("a", kprobe), aSet("b", onLsm("file_open"))], {
    ...lsmKernel,
    securityModules: ["capability"],
  });
  assert.deepEqual(
    points.map((point) => [describePoint(point), point.hooks.map(({ reported }) => reported)]),
    [
      [
        "fmod_ret:security_file_open",
        [
          { event: "process_kprobe", functionName: "security_file_open" },
          { event: "process_lsm", functionName: "file_open" },
        ],
      ],
    ],
  );
});

test("a hook without selectors has one that always matches", () => {
  const [point] = plan([aSet("p", onExec)], ableKernel).points;
  assert.deepEqual(point!.hooks[0]!.selectors, [{ conditions: [], actions: [] }]);
});

const refused: readonly {
  name: string;
  hook: Hook;
  lacks: Partial<AttachAbilities>;
  want: Refusal;
}[] = [
  {
    name: "a function that is not there",
    ...{ hook: doing(), lacks: { hasFunction: () => false } },
    want: {
      reason: "HookNotFound",
      message:
        "__x64_sys_write: this kernel has no such function; check the call's name and syscall",
    },
  },
  {
    name: "an entry of a system call that is not there to attach to",
    hook: doing(),
    lacks: { ...with32Bit, hasFunction: (symbol) => symbol !== "__ia32_sys_write" },
    want: {
      reason: "KernelLacks",
      message:
        "__ia32_sys_write: calls of sys_write come this way, too, where this kernel can attach nothing; hook a security_ function",
    },
  },
  {
    name: "Override without error injection",
    ...{
      hook: doing({ action: "Override", error: 1 }),
      lacks: answering({ fmod_ret_syscalls: false }),
    },
    want: {
      reason: "KernelLacks",
      message:
        "__x64_sys_write: Override needs error injection, which this kernel is built without (CONFIG_FUNCTION_ERROR_INJECTION, CONFIG_BPF_KPROBE_OVERRIDE); use Sigkill, or a node with such a kernel",
    },
  },
  {
    name: "Override where 32-bit processes enter a function that takes none",
    hook: doing({ action: "Override", error: 1 }),
    lacks: { ...with32Bit, ...answering({ fmod_ret_ia32: false }) },
    want: {
      reason: "KernelLacks",
      message:
        "__ia32_sys_write: Override needs error injection, which this kernel is built without, or no 32-bit system calls (boot with ia32_emulation=off); use Sigkill, or a node with such a kernel",
    },
  },
  {
    name: "Override of a security_ function without trampolines",
    hook: { ...doing({ action: "Override", error: 1 }), on: fileOpen },
    lacks: answering({ fmod_ret_security: false }),
    want: {
      reason: "KernelLacks",
      message:
        "security_file_open: Override needs BPF trampolines, which this kernel is built without (CONFIG_DEBUG_INFO_BTF, CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS); use Sigkill, or a node with such a kernel",
    },
  },
  {
    name: "Override where the kernel was too busy to say, which may pass",
    hook: doing({ action: "Override", error: 1 }),
    lacks: answering({ fmod_ret_syscalls: "ENOMEM" }),
    want: {
      reason: "LoadFailed",
      message:
        "__x64_sys_write: this kernel could not say whether it can attach here (ENOMEM); it is asked again",
      mayPass: true,
    },
  },
  {
    name: "returnCopy where the kernel was too busy to say, which may pass",
    ...{ hook: onRead, lacks: answering({ fentry: "EBUSY" }) },
    want: {
      reason: "LoadFailed",
      message:
        "__x64_sys_write: this kernel could not say whether it can attach here (EBUSY); it is asked again",
      mayPass: true,
    },
  },
  {
    name: "Override on a function that admits none",
    hook: {
      ...doing({ action: "Override", error: 1 }),
      on: { kind: "kprobe", call: "fd_install", syscall: false },
    },
    lacks: {},
    want: {
      reason: "KernelLacks",
      message:
        "fd_install: Override works on system calls and security_ functions only; hook one of those",
    },
  },
  {
    name: "a tracepoint that is not there",
    hook: { ...doing(), on: taskRename },
    lacks: { typesOfTracepoint: () => undefined },
    want: {
      reason: "HookNotFound",
      message:
        "task/task_rename: this kernel has no such tracepoint, or has it in a module; check the event",
    },
  },
  {
    name: "a tracepoint without perf events",
    hook: { ...doing(), on: { ...taskRename, kind: "tracepoint" } },
    lacks: answering({ perf_event: false }),
    want: {
      reason: "KernelLacks",
      message:
        "task:task_rename: needs a perf event, which this kernel keeps from the agent (sysctl kernel.perf_event_paranoid=2 gives it); write raw: true, or hook the function that it is in",
    },
  },
  {
    name: "a length that a tracepoint has not",
    hook: { ...doing(), on: taskRename, args: [{ index: 1, type: "char_buf", sizeArgIndex: 3 }] },
    lacks: { typesOfTracepoint: () => ["struct task_struct *", "char *"] },
    want: {
      reason: "KernelLacks",
      message: "task_rename: it has 2 parameters here, and none with index 2",
    },
  },
  {
    name: "an LSM hook that is not there",
    ...{ hook: onLsm("file_opne"), lacks: {} },
    want: {
      reason: "HookNotFound",
      message:
        "file_opne: this kernel has no such LSM hook, or none for BPF (CONFIG_BPF_LSM, CONFIG_DEBUG_INFO_BTF); check its name",
    },
  },
  {
    name: "an argument that an LSM hook has not",
    ...{ hook: { ...onLsm("file_open"), args: [{ index: 1, type: "int" }] }, lacks: {} },
    want: {
      reason: "KernelLacks",
      message: "file_open: it has 1 parameters here, and none with index 1",
    },
  },
  {
    name: "Override of an LSM hook that decides nothing",
    ...{ hook: onLsm("cred_free", { action: "Override", error: 1 }), lacks: {} },
    want: {
      reason: "KernelLacks",
      message: "cred_free: it is told and not asked, so that there is nothing to override",
    },
  },
  {
    name: "an LSM hook without BPF as a security module whose function has other parameters",
    ...{ hook: onLsm("inode_rename"), lacks: { securityModules: ["capability", "yama"] } },
    want: {
      reason: "KernelLacks",
      message:
        "inode_rename: bpf is not among this kernel's security modules (capability,yama), as its parameter lsm= can make it, and security_inode_rename has other parameters, or is not there",
    },
  },
  {
    name: "an LSM hook without BPF as a security module, and without fmod_ret",
    hook: onLsm("file_open"),
    lacks: { securityModules: ["capability"], ...answering({ fmod_ret_security: false }) },
    want: {
      reason: "KernelLacks",
      message:
        "file_open: bpf is not among this kernel's security modules (capability), as its parameter lsm= can make it, and fmod_ret programs cannot be used instead",
    },
  },
  {
    name: "a uprobe where there is no such file",
    hook: onReadline(),
    lacks: { whyNotInFile: () => ({ reason: "HookNotFound", message: "no such file" }) },
    want: { reason: "HookNotFound", message: "no such file" },
  },
  {
    name: "a uprobe without uprobes",
    hook: onReadline(),
    lacks: answering({ uprobe: false }),
    want: {
      reason: "KernelLacks",
      message:
        "/bin/bash:readline: this kernel takes no uprobes (CONFIG_UPROBE_EVENTS; before Linux 6.6 also sysctl kernel.perf_event_paranoid=2)",
    },
  },
  {
    name: "Override of a program's function where uprobes write no registers",
    hook: onReadline({ action: "Override", error: 1 }),
    lacks: answering({ uprobe_override: false }),
    want: {
      reason: "KernelLacks",
      message:
        "/bin/bash:readline: Override of a program's function needs a kernel whose uprobes may write registers (Linux 6.18): use Sigkill",
    },
  },
  {
    name: "a stop when the call has run",
    hook: { ...onRead, selectors: [{ conditions: [], actions: [{ action: "Sigkill" }] }] },
    lacks: {},
    want: {
      reason: "KernelLacks",
      message:
        "__x64_sys_write: returnCopy reads when the call has run, too late for an action that stops it; drop returnCopy or the action",
    },
  },
  {
    name: "return without trampolines",
    hook: { ...doing(), returned: { type: "int" } },
    lacks: answering({ fentry: false }),
    want: {
      reason: "KernelLacks",
      message:
        "__x64_sys_write: return: true needs BPF trampolines (CONFIG_DEBUG_INFO_BTF, kernel 5.5); drop return and returnArg",
    },
  },
  {
    name: "return of a function that returns nothing",
    hook: {
      ...{ ...doing(), returned: { type: "int" } },
      on: { kind: "kprobe", call: "bpf_lsm_cred_free", syscall: false },
    },
    lacks: {},
    want: {
      reason: "KernelLacks",
      message: "bpf_lsm_cred_free: it returns nothing; drop return and returnArg",
    },
  },
  {
    name: "returnCopy without trampolines",
    ...{ hook: onRead, lacks: answering({ fentry: false }) },
    want: {
      reason: "KernelLacks",
      message:
        "__x64_sys_write: returnCopy needs BPF trampolines (CONFIG_DEBUG_INFO_BTF, kernel 5.5); drop returnCopy",
    },
  },
];
for (const { name, hook, lacks, want } of refused) {
  test(`plan refuses the whole set for ${name}, and no other`, () => {
    const planned = plan([aSet("bad", onExec, hook), aSet("good", onExec)], {
      ...lsmKernel,
      ...lacks,
    });
    assert.deepEqual(Object.fromEntries(planned.refused), { bad: want });
    assert.deepEqual(
      planned.points.flatMap(({ hooks }) => hooks.map(({ set }) => set.name)),
      ["good"],
    );
  });
}

test("where a hook asks what calls return, a program at their end completes the events of the one before them", () => {
  const asking: Hook = { ...doing({ action: "Override", error: 1 }), returned: { type: "int" } };
  const { points } = plan([aSet("p", asking), aSet("q", doing())], ableKernel);
  assert.deepEqual(points.map(describePoint).sort(), [
    "fexit:__x64_sys_write",
    "fmod_ret:__x64_sys_write",
  ]);
  const [one, other] = points.map(({ hooks }) => hooks);
  assert.equal(one?.length, 2);
  assert.deepEqual(one, other, "a selector is the same bit at both ends");
});

test("with returnCopy one program sees all of a call", () => {
  const asking: Hook = { ...onRead, returned: { type: "int" } };
  const { points } = plan([aSet("p", asking)], ableKernel);
  assert.deepEqual(points.map(describePoint), ["fexit:__x64_sys_write"]);
});

test("a policy that has the agent ask what it may not ask is refused, with the agent's reason", () => {
  const asking = doing({ action: "GetUrl", url: "http://trap.example.org/" });
  const { points, refused } = plan([aSet("p", asking)], {
    ...ableKernel,
    whyNoRequest: (request) => `not ${request.kind}`,
  });
  assert.deepEqual(points, []);
  assert.deepEqual([...refused], [["p", { reason: "NotAllowed", message: "not url" }]]);
});
