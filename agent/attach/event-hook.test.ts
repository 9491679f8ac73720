import assert from "node:assert/strict";
import { test } from "node:test";
import type { Arg, Hook } from "@guardbee/policy";
import { ableKernel } from "../compile/testing/compiled.ts";
import { servedHook } from "./event-hook.ts";

const on = (subsystem: string, event: string, ...args: readonly Arg[]): Hook => ({
  ...{ on: { kind: "tracepoint", subsystem, event }, args, selectors: [] },
});
const auto = (index: number, more: Partial<Arg> = {}): Arg => ({
  ...{ index, type: "uint64", byFormat: true, ...more },
});

const typed: readonly { name: string; hook: Hook; want: readonly string[] | string }[] = [
  {
    name: "auto takes the type of the format file",
    hook: on("task", "task_rename", auto(4), auto(6), auto(7)),
    want: ["4 int", "6 data_loc", "7 int16"],
  },
  {
    name: "auto of an array of numbers is all of them",
    hook: on("raw_syscalls", "sys_enter", auto(4), auto(5)),
    want: ["4 int64", "5 const_buf"],
  },
  {
    name: "a string is in the record, where the record has it",
    hook: on("sched", "sched_process_exec", { index: 4, type: "string" }),
    want: ["4 data_loc"],
  },
  {
    name: "a field that is not there is refused",
    hook: on("task", "task_rename", { index: 8, type: "int" }),
    want: "task/task_rename: it has the fields 0 to 7 here, and none with index 8",
  },
  {
    name: "a number is no text",
    hook: on("task", "task_rename", { index: 4, type: "data_loc" }),
    want: "task/task_rename: field 4 (pid) is no data_loc; write auto",
  },
  {
    name: "a text is no number",
    hook: on("task", "task_rename", { index: 6, type: "int" }),
    want: "task/task_rename: field 6 (newcomm) is no int; write string",
  },
  {
    name: "auto of a char * without its length is refused",
    hook: on("syscalls", "sys_enter_write", auto(6)),
    want: "syscalls/sys_enter_write: field 6 (buf) is of no type that auto knows; write its type, of a char * also sizeArgIndex",
  },
  {
    name: "a tracepoint that is not there is refused",
    hook: on("task", "task_renamed"),
    want: "task/task_renamed: this kernel has no such tracepoint, or nobody can tell (no /sys/kernel/tracing/events); check subsystem and event",
  },
];
for (const { name, hook, want } of typed) {
  test(`at a tracepoint ${name}`, () => {
    const here = servedHook(hook, ableKernel);
    if ("reason" in here) assert.equal(here.message, want);
    else
      assert.deepEqual(
        here.hook.args.map(({ index, type }) => `${index} ${type}`),
        want,
      );
  });
}

test("where a system call is entered the call is hooked, and events tell of the tracepoint", () => {
  const hook = on("syscalls", "sys_enter_write", auto(5), auto(6, { sizeArgIndex: 8 }));
  assert.deepEqual(servedHook(hook, ableKernel), {
    hook: {
      on: { kind: "kprobe", call: "sys_write", syscall: true },
      args: [
        { index: 0, type: "uint64" },
        { index: 1, type: "char_buf", sizeArgIndex: 3 },
      ],
      selectors: [],
    },
    reported: {
      event: "process_tracepoint",
      functionName: "syscalls/sys_enter_write",
      names: { subsys: "syscalls", event: "sys_enter_write" },
    },
  });
});

test("without tracefs a system call's entry is hooked all the same, but not with types of auto", () => {
  const without = { ...ableKernel, eventFormat: () => undefined };
  const typedHook = on("syscalls", "sys_enter_close", { index: 5, type: "int" });
  const here = servedHook(typedHook, without);
  assert.ok("hook" in here);
  assert.deepEqual(here.hook.args, [{ index: 0, type: "int" }]);
  assert.ok("reason" in servedHook(on("syscalls", "sys_enter_close", auto(5)), without));
});
