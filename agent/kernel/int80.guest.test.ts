import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Action, Hook } from "@guardbee/policy";
import { syscalls } from "../../policy/gen/syscalls.ts";
import { kernelSymbols } from "./features.ts";
import { loadNative } from "./native.ts";
import { entryFinder } from "./syscall-entries.ts";
import { compileC } from "./testing/compile.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { aSet, denyWrites, fieldCase } from "./testing/policies.ts";
import { Cgroup, type Ended } from "./testing/scene.ts";

const kernel = await openGuestKernel();
after(() => kernel.close());
const { features } = kernel.engine.features();
const cgroup = new Cgroup("/sys/fs/cgroup/int80");
const isTaken = features.includes("ia32_emulation");
const taken = { skip: !isTaken && "this kernel takes no int 0x80" };
const overridden = {
  skip:
    !(isTaken && features.includes("fmod_ret_syscalls")) && "no int 0x80, or no error injection",
};

before(() => {
  const source = fileURLToPath(new URL("testing/int80.c", import.meta.url));
  compileC("/tmp/int80", [source], ["-O1", "-static", "-no-pie"]);
});

const int80 = (...args: readonly string[]): Promise<Ended> =>
  cgroup.sh(`exec /tmp/int80 ${args.join(" ")}`);
const killed: Ended = { code: null, signal: "SIGKILL", out: "" };
const ended = (out: string): Ended => ({ code: 0, signal: null, out });

test("of each system call that can be attached to, all entries that the kernel has can", () => {
  const symbols = kernelSymbols();
  const native = loadNative();
  const isThere = (symbol: string) => native.btfFunction(symbol) !== null;
  const find = entryFinder({
    ...{ arch: "x64", takesInt80: isTaken, kernelSymbols: () => symbols },
    hasFunction: (symbol) => symbols.has(symbol),
  });
  const calls = [...syscalls].filter((call) => isThere(`__x64_${call}`));
  assert.ok(calls.length > 250, `${calls.length} system calls`);
  const all = calls.map((call) => {
    const [on, args] = [
      { kind: "kprobe", call, syscall: true },
      [{ index: 0, type: "int" }],
    ] as const;
    return { call, entries: find({ on, args, selectors: [] }).map(({ symbol }) => symbol) };
  });
  assert.deepEqual(
    all.flatMap(({ entries }) => entries.filter((symbol) => !isThere(symbol))),
    [],
  );
  // Two without parameters, whose function both share; two that there are for 64 bits alone.
  const of64Bits = ["sys_inotify_init", "sys_munlockall", "sys_uprobe", "sys_uretprobe"];
  const without = all.filter(({ entries }) => entries.length === 0).map(({ call }) => call);
  if (isTaken)
    assert.deepEqual(
      without.filter((call) => !of64Bits.includes(call)),
      [],
    );
});

/** A policy on one system call of the processes in `cgroup`. */
async function programHere(set: ReturnType<typeof aSet>) {
  const cgroups = [{ id: cgroup.id, sets: [set.name] }];
  const [state] = await kernel.program([set], { host: [], cgroups });
  assert.equal(state?.state, "programmed", JSON.stringify(state));
}

const on = (call: string, types: readonly ("int" | "int64" | "size_t")[], ...actions: Action[]) =>
  aSet("p", {
    on: { kind: "kprobe", call, syscall: true },
    args: types.map((type, index) => ({ type, index })),
    selectors: [{ conditions: [], actions }],
  } satisfies Hook);

test("a kernel is said to take 32-bit system calls when, and only when, it does", async () => {
  await kernel.program([]);
  const none: Ended = { code: null, signal: "SIGSEGV", out: "" };
  assert.deepEqual(await int80("both"), isTaken ? ended("32\n64\n") : none);
});

test("a write by int 0x80 is killed, and reported with the entry's name", taken, async () => {
  const noWrite = fieldCase("18-int80");
  await programHere(noWrite);
  const { hooks } = await kernel.events.during(async () => {
    assert.equal((await int80("both")).signal, "SIGKILL");
    assert.equal((await int80("high")).signal, "SIGKILL", "whatever the upper halves are");
  });
  assert.deepEqual(
    hooks.map(({ call, action, stopped, args }) => [call, action, stopped, args]),
    Array(2).fill(["__ia32_sys_write", "Sigkill", true, [{ type: "int", value: 1 }]]),
  );
  const counted = kernel.engine.stops(new Set([noWrite.name])).get(noWrite.name);
  assert.deepEqual([counted?.hash, counted?.stopped], [noWrite.hash, 2]);
});

test("the entry of 64 bits is stopped and named as ever", async () => {
  const noWrite = fieldCase("18-int80");
  await programHere(noWrite);
  const { hooks } = await kernel.events.during(async () => {
    assert.equal((await cgroup.sh("echo hi")).signal, "SIGKILL");
  });
  assert.deepEqual(
    hooks.map(({ call, action }) => [call, action]),
    [["__x64_sys_write", "Sigkill"]],
  );
});

test("parameters are those of 32-bit registers: signed ones keep their sign", taken, async () => {
  await programHere(on("sys_lseek", ["int", "int64", "size_t"]));
  const { hooks } = await kernel.events.during(() => int80("lseek"));
  const seen = hooks.filter(({ call }) => call.startsWith("__ia32_"));
  assert.deepEqual(
    seen.map(({ call, args }) => [call, ...args.map((one) => "value" in one && one.value)]),
    [["__ia32_compat_sys_lseek", 0, -5n, 1n]],
  );
});

for (const variant of ["", "-override"] as const) {
  const name = `a file that int 0x80 opened is followed, and its write stopped (${variant || "Sigkill"})`;
  test(name, variant === "" ? taken : overridden, async () => {
    const deny = denyWrites({ prefix: "/tmp/int80-forbidden/", variant });
    await cgroup.sh("mkdir -p /tmp/int80-forbidden");
    rmSync("/tmp/int80-forbidden/x", { force: true });
    await programHere(deny);
    const { hooks } = await kernel.events.during(async () => {
      const want = variant === "" ? killed : ended("open -1 0\n");
      assert.deepEqual(await int80("write", "/tmp/int80-forbidden/x"), want);
      assert.deepEqual(await int80("write", "/tmp/int80-other"), ended("open 3 0\n"));
    });
    const calls = hooks.map(({ call, action }) => `${call} ${action}`);
    const write = `__ia32_sys_write ${variant === "" ? "Sigkill" : "Override"}`;
    const close = variant === "" ? [] : ["__ia32_sys_close UnfollowFD"];
    assert.deepEqual(calls, ["fd_install FollowFD", write, ...close]);
    if (variant !== "") assert.equal(readFileSync("/tmp/int80-forbidden/x", "utf8"), "");
  });
}

test(
  "connect by its own number is stopped; as a socketcall it is not, as the status says",
  overridden,
  async () => {
    await programHere(on("sys_connect", ["int"], { action: "Override", error: 1 }));
    // -ENOTSOCK: descriptor 0 is no socket.
    assert.deepEqual(await int80("connect"), ended("-1 -88\n"));
  },
);
