import assert from "node:assert/strict";
import { test } from "node:test";
import { aSet, onWrite, pointOf, when } from "../compile/testing/compiled.ts";
import { refusalOn } from "./refusal-of.ts";

/** What the addon throws of a program, with what the verifier wrote last. */
function refusedBy(code: string, ...log: readonly string[]): Error {
  const text = "hook.bpf.o: load: Argument list too long";
  return Object.assign(new Error(text), { code, log: log.join("\n") });
}

const gaveUp = [
  "BPF program is too large. Processed 1000001 insn",
  "libbpf: failed to load object 'hook.bpf.o'",
];
const binary = { by: "binary", op: "In", values: ["/bin/cat"] } as const;
const byFd = { by: "arg", arg: 0, op: "Equal", values: ["7"] } as const;
const args = [
  { index: 0, type: "int" },
  { index: 1, type: "string" },
] as const;
const large = aSet("large", onWrite(args, when(binary, byFd)));
const other = aSet("other", onWrite([], when(binary)));

test("a policy that is too much for the verifier is told what to leave out", () => {
  assert.deepEqual(refusalOn(pointOf(large), ["large"], refusedBy("E2BIG", ...gaveUp)), {
    reason: "LimitExceeded",
    message:
      "fentry:__x64_sys_write: 2 values that are read, matchArgs, matchBinaries: this kernel's verifier gives up on so much in one program; read and compare less, or on another function",
  });
});

test("so is one that is too much beside those before it", () => {
  assert.deepEqual(refusalOn(pointOf(large, other), ["large"], refusedBy("E2BIG", ...gaveUp)), {
    reason: "NoRoom",
    message:
      "fentry:__x64_sys_write: 2 values that are read, matchArgs, matchBinaries, with 1 before it: this kernel's verifier gives up on so much in one program; read and compare less, or on another function",
  });
});

test("what else a kernel refuses a program for is told as it says it", () => {
  for (const error of [
    refusedBy("E2BIG", "libbpf: map 'rows': failed to create"),
    refusedBy("EACCES", "R1 invalid mem access"),
  ]) {
    const { reason, message } = refusalOn(pointOf(large), ["large"], error);
    assert.equal(reason, "LoadFailed");
    assert.match(message, /failed to create|invalid mem access/);
  }
});
