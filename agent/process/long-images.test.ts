import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeRecord } from "../records/decode.ts";
import type { ExecRecord } from "../records/kernel-record.ts";
import { execRecord } from "../records/testing-records.ts";
import { ProcessTree } from "./tree.ts";

const key = (pid: number) => ({ pid, ktime: 5n });

test("of long texts no more than a limit is kept: the oldest are cut, which their flags say", () => {
  const tree = new ProcessTree(() => 0, {
    longTextLimit: 10_000,
    details: { environment: new Set() },
  });
  const exec = (pid: number, size: number) => {
    const record = execRecord({ process: key(pid), args: [], flags: 1, argsData: size + 4 });
    const args = Buffer.from(`sh\0${"a".repeat(size)}\0`);
    const environment = Buffer.from("A=b\0");
    return tree.exec(decodeRecord(record, 0) as ExecRecord, { args, environment });
  };
  const [first, short, second] = [exec(100, 5_000), exec(101, 900), exec(102, 4_000)];
  assert.deepEqual(
    [first, second].map(({ image }) => image.arguments.length),
    [5_000, 4_000],
  );
  assert.equal(first?.image.flags, "execve clone dataArgs");
  exec(103, 3_000);
  assert.equal(first.image.arguments, "a".repeat(1024));
  assert.equal(first.image.flags, "execve truncArgs clone dataArgs");
  assert.equal(first.image.environment, undefined);
  assert.deepEqual(
    [short, second].map(({ image }) => image.arguments.length),
    [900, 4_000],
  );
  assert.equal(tree.stats().cut, 1);
});

test("what was sent of an argv and did not stay until its exec counts as cut", () => {
  const tree = new ProcessTree(() => 0);
  const record = decodeRecord(execRecord({ args: [], flags: 1, argsData: 2_000 }), 0) as ExecRecord;
  const args = Buffer.from("sh\0begin");
  assert.equal(tree.exec(record, { args, environment: Buffer.alloc(0) }).image.arguments, "begin");
  assert.equal(tree.find(record.process)?.image.flags, "execve truncArgs clone dataArgs");
});
