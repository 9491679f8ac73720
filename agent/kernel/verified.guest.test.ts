import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, test } from "node:test";
import type { Arg, Condition, Hook } from "@guardbee/policy";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { aSet } from "./testing/policies.ts";

const kernel = await openGuestKernel();
after(() => kernel.close());

const onWrite = { kind: "kprobe", call: "sys_write", syscall: true } as const;

/** Of the million that a kernel takes, a fifth is kept for those that are not tested here. */
const mostInstructions = 800_000;

function ofTask(type: Arg["type"], resolve: string): Arg {
  return { index: 0, type, source: "current_task", resolve, isData: true };
}

const paths: readonly Arg[] = [
  ofTask("string", "comm"),
  ofTask("string", "real_parent.comm"),
  ofTask("string", "real_parent.real_parent.comm"),
  ofTask("string", "real_parent.real_parent.real_parent.comm"),
  ofTask("int", "exit_signal"),
];
const plain: readonly Arg[] = [
  { index: 0, type: "fd" },
  { index: 1, type: "char_buf", sizeArgIndex: 3 },
  { index: 1, type: "string" },
  { index: 2, type: "size_t" },
  { index: 0, type: "int" },
];

/** Each argument is compared in every way that texts and numbers are. */
function compared(args: readonly Arg[], ...more: readonly Condition[]): Hook {
  const conditions = args.flatMap(({ type }, arg): readonly Condition[] => {
    const by = "arg" as const;
    if (["int", "size_t"].includes(type)) {
      return [
        { by, arg, op: "NotEqual", values: ["77"] },
        { by, arg, op: "NotInRange", values: ["70:80"] },
        { by, arg, op: "Mask", values: ["1"] },
      ];
    }
    return [
      { by, arg, op: "NotEqual", values: ["/x"] },
      { by, arg, op: "NotPrefix", values: ["/y/"] },
      { by, arg, op: "NotPostfix", values: ["/z"] },
      { by, arg, op: "SubString", values: ["w"] },
    ];
  });
  return { on: onWrite, args, selectors: [{ conditions: [...conditions, ...more], actions: [] }] };
}

const ofProcess: readonly Condition[] = [
  { by: "pid", op: "NotIn", values: [1], inNamespace: false, followForks: false },
  { by: "pid", op: "NotIn", values: [1], inNamespace: true, followForks: true },
  { by: "binary", op: "NotPrefix", values: ["/nowhere/"] },
  { by: "parentBinary", op: "NotPostfix", values: ["/nowhere"] },
  { by: "capability", op: "NotIn", set: "effective", values: [0], userNamespace: "any" },
  { by: "namespace", op: "NotIn", namespace: "Uts", values: ["host_ns"] },
];
const changes: readonly Condition[] = [
  { by: "namespaceChange", op: "In", values: ["Uts"] },
  { by: "capabilityChange", op: "NotIn", set: "effective", values: [0], userNamespace: "any" },
];

/** What the verifier went through of each program of the engine, the most first. */
function verified(): readonly number[] {
  const all: readonly { name?: string; verified_insns?: number }[] = JSON.parse(
    execFileSync("bpftool", ["-j", "prog", "list"], { encoding: "utf8" }),
  );
  return all
    .flatMap(({ name, verified_insns: count }) => (name === "hook" && count ? [count] : []))
    .sort((a, b) => b - a);
}

const crowds: Readonly<Record<string, readonly Hook[]>> = {
  "what a call hands over": [compared(plain, ...ofProcess)],
  "what paths lead to": [compared(paths, ...ofProcess)],
  "what processes were before": [compared(plain, ...ofProcess, ...changes)],
  "all of it": [compared(plain, ...ofProcess, ...changes), compared(paths)],
};

for (const [what, hooks] of Object.entries(crowds)) {
  test(`a hook that compares ${what} is within what the verifier takes`, async (t) => {
    const states = await kernel.program([aSet("p", ...hooks)]);
    assert.deepEqual(
      states.map((one) => (one.state === "programmed" ? "" : JSON.stringify(one))),
      [""],
    );
    const [most] = verified();
    t.diagnostic(`${most} instructions`);
    assert.ok(most !== undefined && most < mostInstructions, `${most} instructions`);
  });
}
