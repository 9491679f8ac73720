import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, test } from "node:test";
import type { HookArg } from "../args/index.ts";
import { openWorkshop } from "../elf/testing-files.ts";
import { StackNames, type Stacks } from "../stacks/stacks.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { policyIn, upstreamCase } from "./testing/policies.ts";
import { run, sh } from "./testing/scene.ts";

const kernel = await openGuestKernel();
const { events } = kernel;
const workshop = openWorkshop();
after(async () => {
  workshop.close();
  await kernel.close();
});
assert.equal((await sh("ip link set lo up")).code, 0);
const names = new StackNames({ procfs: "/proc", monotonic: () => 0, withAddresses: false });

/** Calls getpriority(2) in inner, which outer calls, and waits until it may end. */
const caller = workshop.c(
  `
#include <sys/syscall.h>
#include <unistd.h>
__attribute__((noinline)) long inner(void) {
  long result;
  asm volatile("syscall" : "=a"(result) : "a"(SYS_getpriority), "D"(0L), "S"(0L) : "rcx", "r11", "memory");
  return result + 1;
}
__attribute__((noinline)) long outer(void) { return inner() + 1; }
int main(void) { char c = outer() == 0; write(1, &c, 1); return read(0, &c, 1) < 0; }
`,
  ...["-O0", "-fno-omit-frame-pointer"],
);

const policy = (action: string, rest = "") =>
  policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: stacks }
spec:
  kprobes:
  - call: sys_getpriority
    syscall: true
    args: [{ index: 0, type: int }]
    ${rest}
    selectors: [{ matchActions: [${action}] }]
`);
const both = "{ action: Post, kernelStackTrace: true, userStackTrace: true }";
const returning = "return: true\n    returnArg: { index: 0, type: int64 }";

/** Whom the event is about: nothing of it is kept. */
const noImage = { pid: 0, ktime: 0n };

/** What the event of the caller's call says, looked at while the caller still runs. */
async function called() {
  let found: Stacks[] = [];
  const { hooks } = await events.during(async () => {
    const child = spawn(caller, { stdio: ["pipe", "pipe", "inherit"] });
    await once(child.stdout, "data");
    const seen = await events.now();
    found = seen.map(({ stacks }) => names.of(stacks, noImage));
    child.stdin.end();
    await once(child, "exit");
  });
  assert.equal(hooks.length, found.length);
  return { hooks, stacks: found };
}

const readValue = (arg: HookArg) => ("value" in arg ? arg.value : arg);

const inCaller = ["inner", "outer", "main"].map((symbol) => ({ symbol, module: caller }));

function userOf({ user = [] }: Stacks) {
  return user.slice(0, 3).map(({ symbol, module }) => ({ symbol, module }));
}

for (const [name, rest] of [
  ["a call", ""],
  ["a call that has returned", returning],
] as const) {
  test(`the event of ${name} says which functions led to it, in the kernel and in the process`, async () => {
    const [state] = await kernel.program([policy(both, rest)]);
    assert.equal(state!.state, "programmed", JSON.stringify(state));
    const { hooks, stacks } = await called();
    assert.deepEqual(userOf(stacks[0]!), inCaller);
    const symbols = stacks[0]!.kernel!.map(({ symbol }) => symbol);
    assert.match(symbols[0]!, /^__(x64|arm64)_sys_getpriority$/);
    assert.ok(symbols.includes("do_syscall_64"), symbols.join(" "));
    assert.equal(stacks.length, 1);
    const { returned } = hooks[0]!;
    assert.deepEqual(returned && readValue(returned), rest === "" ? undefined : 20n);
    assert.equal(kernel.waiting(), 0);
  });
}

test("an event has the stack that its policy asks for, and no other", async () => {
  await kernel.program([policy("{ action: Post, userStackTrace: true }")]);
  const { stacks } = await called();
  assert.deepEqual([stacks[0]!.kernel, userOf(stacks[0]!)], [undefined, inCaller]);
  await kernel.program([policy("{ action: Post, kernelStackTrace: true }")]);
  assert.equal((await called()).stacks[0]!.user, undefined);
  await kernel.program([policy("{ action: Post }")]);
  assert.deepEqual((await called()).stacks, [{}]);
});

test("a rate limit takes calls from different places for alike", async () => {
  const limited =
    '{ action: Post, kernelStackTrace: true, rateLimit: "1m", rateLimitScope: global }';
  await kernel.program([policy(limited)]);
  assert.equal((await called()).stacks.length, 1);
  assert.equal((await called()).stacks.length, 0);
});

test("upstream's policy on dropped packets says where they were dropped", async () => {
  const [state] = await kernel.program([upstreamCase("stack_traces")]);
  const there = await sh("grep -q ' T kfree_skb_reason$' /proc/kallsyms");
  if (there.code !== 0) {
    assert.ok(state!.state === "failed" && /kfree_skb_reason/.test(state!.message));
    return;
  }
  const { hooks } = await events.during(() =>
    run("bash", "-c", "for i in 1 2 3; do echo text > /dev/udp/127.0.0.1/9; done"),
  );
  const dropped = hooks.filter(({ call }) => call === "kfree_skb_reason");
  const symbols = dropped.flatMap(({ stacks }) => names.of(stacks, noImage).kernel ?? []);
  assert.equal(symbols[0]?.symbol, "kfree_skb_reason");
  assert.ok(symbols.some(({ symbol }) => symbol === "udp_sendmsg"));
});
