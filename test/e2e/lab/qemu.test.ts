import assert from "node:assert/strict";
import { test } from "node:test";
import { type Machine, qemuArgs } from "./qemu.ts";

const aMachine = (over: Partial<Machine> = {}): Machine => ({
  vmlinuz: "/k",
  initrd: "/i",
  consoleLog: "/c",
  monitor: "/x/monitor",
  shares: [],
  cmdline: [],
  accelerator: "tcg",
  smp: 2,
  memoryMb: 512,
  icount: false,
  ...over,
});

test("a machine that counts instructions has one processor and one thread", () => {
  const args = qemuArgs(aMachine({ icount: true, accelerator: "kvm" })).join(" ");
  assert.match(args, /-accel tcg,thread=single -icount shift=0,sleep=off .*-smp 1 /);
});

test("a share is read-only unless it is writable", () => {
  const share = (writable: boolean) =>
    qemuArgs(aMachine({ shares: [{ tag: "t", path: "/p", writable }] }));
  const base = "local,id=t,path=/p,security_model=none,multidevs=remap";
  assert.ok(share(false).includes(`${base},readonly=on`));
  assert.ok(share(true).includes(base));
});

test("a machine without a tap has no network card", () => {
  assert.deepEqual(qemuArgs(aMachine()).slice(-2), ["-nic", "none"]);
});
