import assert from "node:assert/strict";
import { test } from "node:test";
import type { Hook } from "@guardbee/policy";
import { entryFinder } from "./syscall-entries.ts";

const onCall = (call: string): Hook => ({
  on: { kind: "kprobe", call, syscall: true },
  ...{ args: [{ index: 0, type: "int" }], selectors: [] },
});

/** The entries of a system call on a machine with functions at these addresses. */
function entries(
  call: string,
  functions: readonly string[],
  { arch = "x64", takesInt80 = true } = {},
): readonly string[] {
  const find = entryFinder({
    ...{ arch, takesInt80 },
    hasFunction: (symbol) => functions.includes(symbol),
    kernelSymbols: () => new Set(functions),
  });
  return find(onCall(call)).map(({ symbol, number, registers }) => {
    assert.ok(number > 0 && number < 256);
    return `${symbol} ${registers}`;
  });
}

const openat = ["", "compat_"].map((kind) => `__ia32_${kind}sys_openat`);
openat.push("__x64_sys_openat", "__ia32_sys_open");

test("a system call is entered by each function of its name that the kernel has", () => {
  const want = ["__ia32_compat_sys_openat 32-bit", "__ia32_sys_openat 32-bit"];
  assert.deepEqual(entries("sys_openat", openat), want);
});

test("where int 0x80 is not taken, there are no 32-bit entries", () => {
  assert.deepEqual(entries("sys_openat", openat, { takesInt80: false }), []);
});

test("x32 has compat functions of its own, with the registers of 64 bits", () => {
  const functions = ["__x64_compat_sys_execve", "__x64_sys_execve"];
  assert.deepEqual(entries("sys_execve", functions), ["__x64_compat_sys_execve own"]);
});

test("functions of other names are entries, but the kernel's own of such a name is not", () => {
  const functions = ["__ia32_sys_stat", "__x64_sys_stat", "__x64_sys_newstat"];
  assert.deepEqual(entries("sys_newstat", functions), ["__ia32_sys_stat 32-bit"]);
});

test("a call without parameters has one function for both", () => {
  const functions = ["__x64_sys_getpid", "__ia32_sys_getpid"];
  assert.deepEqual(entries("sys_getpid", functions), []);
});

test("arm64 has compat functions", () => {
  const functions = ["__arm64_sys_openat", "__arm64_compat_sys_openat"];
  const want = ["__arm64_compat_sys_openat 32-bit"];
  assert.deepEqual(entries("sys_openat", functions, { arch: "arm64" }), want);
});

test("an entry that cannot be attached to is found among the kernel's symbols, read once", () => {
  let read = 0;
  const find = entryFinder({
    ...{ arch: "x64", takesInt80: true },
    hasFunction: (symbol) => symbol === "__ia32_sys_read",
    kernelSymbols: () => {
      read++;
      return new Set(["__ia32_sys_write", "__x64_sys_write", "__ia32_sys_read"]);
    },
  });
  const of = (call: string) => find(onCall(call)).map(({ symbol }) => symbol);
  assert.deepEqual([of("sys_read"), read], [["__ia32_sys_read"], 0]);
  assert.deepEqual([of("sys_write"), of("sys_uretprobe"), read], [["__ia32_sys_write"], [], 1]);
});

test("a hook on something else has none", () => {
  const find = entryFinder({
    ...{ arch: "x64", takesInt80: true, hasFunction: () => true },
    kernelSymbols: () => new Set(),
  });
  assert.deepEqual(find({ on: { kind: "exec" }, args: [], selectors: [] }), []);
});
