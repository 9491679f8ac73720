import assert from "node:assert/strict";
import { test } from "node:test";
import { enums, layout } from "../gen/layout.ts";
import { write } from "../layout/struct.ts";
import { argsProblem, decodeRecord, execText, hookArgs } from "./decode.ts";
import type { HookRecord } from "./kernel-record.ts";
import { stacksOf } from "./stacks.ts";
import {
  bufferArg,
  cloneRecord,
  execRecord,
  exitRecord,
  fdArg,
  fileArg,
  hookRecord,
  intArg,
  rawArg,
  restArg,
  sizeArg,
} from "./testing-records.ts";

function decode(records: Buffer, at = 0) {
  const event = decodeRecord(records, at);
  if (event.kind === "bad") return event;
  const { records: _, ...rest } = event;
  return rest;
}

test("an exec event is decoded with its text", () => {
  const record = execRecord({
    cgroupId: 77n,
    nspid: 5,
    uid: 33,
    flags: 0x29,
    args: ["sh", "-c", "", "täst"],
    cgroup: "kubepods",
  });
  const event = decodeRecord(record, 0);
  assert.ok(event.kind === "exec");
  assert.deepEqual(decode(record), {
    ...{ at: 0, end: event.end, next: record.length, ktime: 1000n, kind: "exec" },
    process: { pid: 100, ktime: 1000n },
    parent: { pid: 1, ktime: 10n },
    ...{ cgroupId: 77n, tid: 100, nspid: 5, uid: 33, auid: 0xffffffff, flags: 0x29 },
    ...{ mntNs: 0, userNs: 0, argsData: 0, envData: 0 },
  });
  assert.deepEqual(execText(event), {
    filename: "/bin/sh",
    args: ["sh", "-c", "", "täst"],
    cwd: "/root",
    cgroup: "kubepods",
  });
});

test("clone, exit and hook events are decoded one after the other", () => {
  const records = Buffer.concat([
    cloneRecord({ flags: 0x20 }),
    exitRecord({ process: { pid: 101, ktime: 2000n }, code: 9 }),
    hookRecord({ args: [intArg(-1)], tid: 103, action: 3 }),
  ]);
  assert.deepEqual(decode(records, 0), {
    ...{ at: 0, end: 72, next: 72, ktime: 2000n, kind: "clone" },
    process: { pid: 101, ktime: 2000n },
    parent: { pid: 100, ktime: 1000n },
    ...{ cgroupId: 0n, tid: 101, nspid: 0, uid: 0, flags: 0x20 },
  });
  assert.deepEqual(decode(records, 72), {
    ...{ at: 72, end: 112, next: 112, ktime: 3000n, kind: "exit" },
    process: { pid: 101, ktime: 2000n },
    ...{ tid: 101, code: 9 },
  });
  assert.deepEqual(decode(records, 112), {
    ...{ at: 112, end: 184, next: 184, ktime: 2500n, kind: "hook" },
    process: { pid: 100, ktime: 1000n },
    ...{ cgroupId: 0n, tid: 103, hook: 7, selector: 0, action: 3, entry: 0, flags: 0, argCount: 1 },
  });
});

test("hook arguments of every type are read, also behind an unaligned one", () => {
  const event = decodeRecord(
    hookRecord({
      args: [
        intArg(-7),
        rawArg(enums.arg_type.ARG_UINT32, Buffer.from([255, 255, 255, 255, 0, 0, 0, 0])),
        rawArg(enums.arg_type.ARG_INT64, Buffer.alloc(8, 255)),
        rawArg(enums.arg_type.ARG_UINT64, Buffer.alloc(8, 255)),
        sizeArg(32),
        fdArg("/a"),
        fileArg("tmp/x", 0o40755, 3),
        bufferArg(9, "hello"),
        bufferArg(1, "longer than it says"),
        rawArg(enums.arg_type.ARG_ERROR, Buffer.from([14, 0, 0, 0])),
      ],
    }),
    0,
  ) as HookRecord;
  assert.equal(argsProblem(event), undefined);
  assert.deepEqual(hookArgs(event), [
    { type: "int", value: -7 },
    { type: "uint32", value: 0xffffffff },
    { type: "int64", value: -1n },
    { type: "uint64", value: 2n ** 64n - 1n },
    { type: "size_t", value: 32n },
    { type: "fd", mode: 0o100644, path: "/a", cut: false, deleted: false },
    { type: "file", mode: 0o40755, path: "tmp/x", cut: true, deleted: true },
    { type: "char_buf", length: 9, bytes: Buffer.from("hello") },
    { type: "char_buf", length: 19, bytes: Buffer.from("longer than it says") },
    { type: "error", errno: 14 },
  ]);
});

test("what of a buffer comes behind the arguments is a part of it", () => {
  const { ARG_WHOLE } = enums.arg_flag;
  const decode = (...args: Buffer[]) => {
    const event = decodeRecord(hookRecord({ args }), 0) as HookRecord;
    assert.equal(argsProblem(event), undefined);
    return hookArgs(event);
  };
  const cut = bufferArg(12, "hel", ARG_WHOLE);
  const other = bufferArg(9, "other");
  const shown = (length: number, text: string) => ({
    ...{ type: "char_buf", length, bytes: Buffer.from(text) },
  });
  assert.deepEqual(decode(other, cut, sizeArg(3), restArg("lo")), [
    ...[shown(9, "other"), shown(12, "hello"), { type: "size_t", value: 3n }],
  ]);
  // Where nothing of it could be read, and where there was no room for it.
  assert.deepEqual(decode(cut, restArg("")), [shown(12, "hel")]);
  assert.deepEqual(decode(cut), [shown(12, "hel")]);
});

const lies: readonly { name: string; record: () => Buffer; next: number; problem: string }[] = [
  {
    name: "shorter than a header",
    record: () => execRecord().subarray(0, 9),
    next: 9,
    problem: "9 bytes are less than a header",
  },
  {
    name: "with a size beyond the buffer",
    record: () => patched(exitRecord({ process: { pid: 1, ktime: 1n }, code: 0 }), 4, 4096),
    next: 40,
    problem: "event of kind 3 has size 4096 with 40 bytes left",
  },
  {
    name: "with size 0, which would never advance",
    record: () => patched(cloneRecord(), 4, 0),
    next: 72,
    problem: "event of kind 2 has size 0 with 72 bytes left",
  },
  {
    name: "of unknown kind",
    record: () => patched(cloneRecord(), 0, 9),
    next: 72,
    problem: "event kind 9 is unknown",
  },
  {
    name: "too short for its kind",
    record: () => patched(cloneRecord(), 4, 40),
    next: 40,
    problem: "event of kind 2 has size 40, less than 72",
  },
  {
    name: "whose text is longer than it",
    record: () => patched(execRecord({ args: [] }), layout.exec_event.fields.filename_size.at, 500),
    next: 120,
    problem: "exec event has 116 bytes for 505 of text",
  },
];
for (const { name, record, next, problem } of lies) {
  test(`a record ${name} is bad`, () => {
    assert.deepEqual(decode(record()), { kind: "bad", next, problem });
  });
}

test("stacks are behind the arguments, and no arguments", () => {
  const record = hookRecord({ args: [intArg(1), stackArg([3n, 4n])] });
  const event = decodeRecord(record, 0) as HookRecord;
  assert.equal(argsProblem(event), undefined);
  assert.equal(hookArgs(event).length, 1);
  assert.deepEqual(stacksOf(event), { user: { pid: 7, addresses: [3n, 4n] } });
});

test("hook arguments that lie about their size are bad", () => {
  const record = hookRecord({ args: [intArg(1)] });
  write(record, layout.event_arg, { size: 500 }, layout.hook_event.size);
  const event = decodeRecord(record, 0) as HookRecord;
  assert.equal(event.next, 72);
  assert.equal(argsProblem(event), "argument 0 has 500 of 8 bytes");
});

/** The stack of process 7. */
function stackArg(addresses: readonly bigint[]): Buffer {
  const bytes = Buffer.from(BigUint64Array.from([7n, ...addresses]).buffer);
  return rawArg(0, bytes, enums.arg_flag.ARG_USER_STACK);
}

function patched(record: Buffer, at: number, value: number): Buffer {
  record.writeUInt16LE(value, at);
  return record;
}
