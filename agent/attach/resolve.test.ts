import assert from "node:assert/strict";
import { test } from "node:test";
import type { Arg, Hook, Selector } from "@guardbee/policy";
import type { FoundPath } from "../btf/find-path.ts";
import { ableKernel, when } from "../compile/testing/compiled.ts";
import { resolved } from "./resolve.ts";

const found: Readonly<Record<string, FoundPath>> = {
  "task_struct tgid": is("number", "int", 4, "pid_t"),
  "task_struct flags": is("number", "uint32", 4, "unsigned int"),
  "task_struct comm": is("place", "string", 0, "char[16]"),
  "linux_binprm file": is("pointer", "file", 8, "struct file *"),
  "linux_binprm p": is("pointer", undefined, 8, "void *"),
  "linux_binprm rlim": is("place", undefined, 0, "struct rlimit"),
  "file f_mode": is("number", "uint8", 1, "fmode_t"),
};

function is(
  kind: FoundPath["is"],
  type: FoundPath["type"],
  bytes: number,
  shown: string,
): FoundPath {
  return { offsets: [0], bytes, isSigned: type === "int", type, is: kind, shown };
}

const kernel: typeof ableKernel = {
  ...ableKernel,
  typesOf: (symbol) =>
    symbol === "gone"
      ? undefined
      : { parameters: ["struct linux_binprm *", "int"], returns: "int" },
  hasFunction: (symbol) => symbol !== "gone",
  findPath: (struct, path) =>
    found[`${struct} ${path}`] ?? `struct ${struct} has no member ${path}`,
  findRegister: (name) =>
    name === "edi" ? is("pointer", undefined, 4, "") : is("pointer", undefined, 8, ""),
};

function hook(args: readonly Arg[], ...selectors: readonly Selector[]): Hook {
  const on = { kind: "kprobe", call: "security_bprm_check", syscall: false } as const;
  return { on, args, selectors };
}

const ofTask = { index: 0, source: "current_task", isData: true } as const;

test("an argument gets the type of what its path leads to", () => {
  const args: readonly Arg[] = [
    { index: 0, type: "path", resolve: "file" },
    { index: 0, type: "string", resolve: "p" },
    { ...ofTask, type: "int64", resolve: "flags" },
    { ...ofTask, type: "string", resolve: "comm" },
    { index: 1, type: "int" },
  ];
  const served = resolved(hook(args), kernel);
  assert.ok("hook" in served, JSON.stringify(served));
  assert.deepEqual(
    served.hook.args.map(({ type }) => type),
    ["file", "string", "uint32", "string", "int"],
  );
  assert.deepEqual([...served.paths!.keys()].sort(), [
    ...["0   file", "0   p", "current_task   comm", "current_task   flags"],
  ]);
});

const equal = (values: readonly string[]) => when({ by: "arg", arg: 0, op: "Equal", values });

const refusals: readonly { name: string; hook: Hook; want: RegExp }[] = [
  {
    name: "no such member",
    hook: hook([{ index: 0, type: "int", resolve: "nope" }]),
    want: /^security_bprm_check: args\[0\]\.resolve: struct linux_binprm has no member nope$/,
  },
  {
    name: "a parameter that is no pointer to a struct",
    hook: hook([{ index: 1, type: "int", resolve: "a" }]),
    want: /args\[0\]\.resolve: parameter 1 is int: write the struct that it points to in btfType/,
  },
  {
    name: "text where a number is",
    hook: hook([
      { index: 0, type: "path", resolve: "file" },
      { ...ofTask, type: "string", resolve: "tgid" },
    ]),
    want: /data\[0\]\.resolve: tgid is pid_t here, and no string; write type int/,
  },
  {
    name: "a number where text is",
    hook: hook([{ ...ofTask, type: "int", resolve: "comm" }]),
    want: /comm is char\[16\] here, and no int; write type string/,
  },
  {
    name: "a number where a struct is",
    hook: hook([{ index: 0, type: "int", resolve: "rlim" }]),
    want: /rlim is struct rlimit here, and no int$/,
  },
  {
    name: "a value that the member never has",
    hook: hook([{ index: 0, type: "int", btfType: "file", resolve: "f_mode" }], equal(["300"])),
    want: /its arguments are uint8 here: hook\.selectors\[0\]\.conditions\[0\]\.values/,
  },
  {
    name: "a pointer in a part of a register",
    hook: {
      ...hook([{ index: 0, source: "pt_regs", isData: true, type: "string", resolve: "edi" }]),
      on: { kind: "kprobe", call: "sys_write", syscall: true },
    },
    want: /data\[0\]\.resolve: edi is a part of a register, and no pointer to a string/,
  },
];

for (const { name, hook, want } of refusals) {
  test(`a node refuses ${name}`, () => {
    const served = resolved(hook, kernel);
    assert.ok("reason" in served, JSON.stringify(served));
    assert.equal(served.reason, "KernelLacks");
    assert.match(served.message, want);
  });
}

test("of a function that is not there, what would attach it says so", () => {
  const missing = hook([{ index: 0, type: "int", resolve: "a" }]);
  const on = { ...missing.on, call: "gone" } as Hook["on"];
  assert.deepEqual(resolved({ ...missing, on }, kernel), { hook: { ...missing, on } });
});
