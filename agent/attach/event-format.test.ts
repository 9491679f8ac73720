import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFormat } from "./event-format.ts";
import { eventFormat } from "./testing/event-formats.ts";

test("a format file says of each field where it is and what is there", () => {
  const rename = eventFormat("task", "task_rename")!;
  assert.equal(rename.id, 120);
  assert.deepEqual(
    rename.fields
      .slice(4)
      .map(({ name, offset, size, kind, of, element }) =>
        [name, offset, size, kind, of, element].join(" "),
      ),
    [
      "pid 8 4 signed pid_t 0",
      "oldcomm 12 16 array char 1",
      "newcomm 28 16 array char 1",
      "oom_score_adj 44 2 signed short 0",
    ],
  );
  const enter = eventFormat("raw_syscalls", "sys_enter")!.fields[5]!;
  assert.deepEqual(enter, {
    ...{ name: "args", offset: 16, size: 48, kind: "array", of: "unsigned long" },
    ...{ isPointer: false, element: 8 },
  });
  const exec = eventFormat("sched", "sched_process_exec")!.fields[4]!;
  assert.deepEqual([exec.name, exec.kind, exec.of], ["filename", "data_loc", "char"]);
  const write = eventFormat("syscalls", "sys_enter_write")!.fields[6]!;
  assert.deepEqual([write.name, write.of, write.isPointer], ["buf", "char", true]);
});

test("an array of a length that is no number is one of bytes, and no format is none", () => {
  const line = "\tfield:__u8 saddr[sizeof(struct sockaddr_in6)];\toffset:8;\tsize:28;\tsigned:0;";
  const [field] = parseFormat(`ID: 1\n${line}\n`)!.fields;
  assert.deepEqual([field!.name, field!.kind, field!.element], ["saddr", "array", 1]);
  assert.equal(parseFormat("nothing of that kind"), undefined);
});
