import assert from "node:assert/strict";
import { test } from "node:test";
import { syscalls } from "./gen/syscalls.ts";
import type { Arg } from "./selector-set.ts";
import { furtherEntries } from "./syscall-entries.ts";

const of = (call: string, ...indexes: readonly number[]) => {
  const args = indexes.map((index): Arg => ({ index, type: "int" }));
  const { seen, unseen } = furtherEntries({ on: { kind: "kprobe", call, syscall: true }, args });
  return { seen: seen.map(({ name }) => name), unseen };
};

test("a system call has the entries of its own name", () => {
  const seen = ["compat_sys_openat", "sys_openat"];
  assert.deepEqual(of("sys_openat", 0, 1, 2, 3, 4), { seen, unseen: [] });
});

test("an entry whose parameters are others is seen as far as they are alike", () => {
  const own = ["compat_sys_pwrite64", "sys_pwrite64"];
  const both = [...own, "sys_ia32_pwrite64"];
  assert.deepEqual(of("sys_pwrite64", 0, 2), { seen: both, unseen: [] });
  assert.deepEqual(of("sys_pwrite64", 3), { seen: own, unseen: ["pwrite64"] });
  assert.deepEqual(of("sys_preadv", 3).seen, ["sys_preadv"]);
  assert.deepEqual(of("sys_setuid", 0).unseen, ["setuid16"]);
  assert.deepEqual(of("sys_setuid").unseen, []);
});

test("the length of a buffer is read, too", () => {
  const args = [{ index: 1, type: "char_buf", sizeArgIndex: 4 }] as const;
  const on = { kind: "kprobe", call: "sys_pwrite64", syscall: true } as const;
  assert.deepEqual(furtherEntries({ on, args }).unseen, ["pwrite64"]);
});

test("a call that does several is not seen as one of them", () => {
  assert.deepEqual(of("sys_connect").unseen, ["socketcall"]);
  assert.deepEqual(of("sys_semtimedop").unseen, ["ipc"]);
});

test("other hooks have no entries", () => {
  const none = { seen: [], unseen: [] };
  assert.deepEqual(furtherEntries({ on: { kind: "exec" }, args: [] }), none);
  const on = { kind: "kprobe", call: "fd_install", syscall: false } as const;
  assert.deepEqual(furtherEntries({ on, args: [] }), none);
});

test("no two system calls share an entry that is seen, and numbers fit a byte", () => {
  const owners = new Map<string, string>();
  for (const call of syscalls) {
    const on = { kind: "kprobe", call, syscall: true } as const;
    for (const { name, number } of furtherEntries({ on, args: [] }).seen) {
      assert.equal(owners.get(name), undefined, `${name} of ${call}`);
      owners.set(name, call);
      assert.ok(number > 0 && number < 128);
    }
  }
});
