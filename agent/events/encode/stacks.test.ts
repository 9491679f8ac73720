import assert from "node:assert/strict";
import { test } from "node:test";
import type { HookInfo } from "../../kernel/hook-info.ts";
import { decodeRecord } from "../../records/decode.ts";
import type { HookRecord } from "../../records/kernel-record.ts";
import { hookRecord } from "../../records/testing-records.ts";
import type { Stacks } from "../../stacks/stacks.ts";
import { hookEvent } from "../event.ts";
import { createSaidInBoth } from "../testing/said-in-both.ts";

const lineOf = createSaidInBoth({ nodeName: "n1", bootToWallNs: (ns: bigint) => ns });

function saidOf(event: string, stacks: Stacks) {
  const record = decodeRecord(hookRecord({ args: [] }), 0) as HookRecord;
  const hook: HookInfo = {
    ...{ policy: { kind: "TracingPolicy", name: "p" }, event, functionName: "f", args: [] },
  };
  return JSON.parse(lineOf(hookEvent(undefined, record, hook, { stacks })))[event];
}

test("a kprobe's event has the stacks of its call, of which empty parts are left out", () => {
  const { kernel_stack_trace, user_stack_trace } = saidOf("process_kprobe", {
    kernel: [
      { address: 0xffff_ffff_8100_0110n, offset: 16n, symbol: "ksys_write", module: "" },
      { offset: 0n, symbol: "do_syscall_64", module: "" },
    ],
    user: [{ offset: 4096n, symbol: "", module: "/usr/lib/libc.so.6" }],
  });
  assert.deepEqual(kernel_stack_trace, [
    { address: "18446744071578845456", offset: "16", symbol: "ksys_write" },
    { symbol: "do_syscall_64" },
  ]);
  assert.deepEqual(user_stack_trace, [{ offset: "4096", module: "/usr/lib/libc.so.6" }]);
});

test("a stack of which nothing could be told is not there", () => {
  const said = saidOf("process_kprobe", {});
  assert.deepEqual([said.kernel_stack_trace, said.user_stack_trace], [undefined, undefined]);
});
