import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import type { Arg, Condition, Hook } from "@guardbee/policy";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { aSet, policyIn, when } from "./testing/policies.ts";
import { sh } from "./testing/scene.ts";

const kernel = await openGuestKernel();
const { events } = kernel;
after(() => kernel.close());

type ArgCondition = Extract<Condition, { by: "arg" }>;
const nice: Arg = { index: 2, type: "int" };

/** On setpriority(2), whose third parameter is a nice value, which may be negative. */
function onSetpriority(args: readonly Arg[], op: ArgCondition["op"], ...values: string[]): Hook {
  return {
    on: { kind: "kprobe", call: "sys_setpriority", syscall: true },
    args,
    selectors: [when({ by: "arg", arg: 0, op, values })],
  };
}

/** Which policies report it when a process gets that nice value, and with which number. */
async function reportedFor(value: number): Promise<readonly string[]> {
  const { hooks } = await events.during(() => sh(`renice -n ${value} -p $$`));
  return hooks.map(({ policy, args: [arg] }) => {
    assert.ok(arg !== undefined && "value" in arg);
    return `${policy.slice("tracingpolicy.".length)} ${arg.value}`;
  });
}

test("numbers are compared by range, by bits and by size, with their sign", async () => {
  await kernel.program([
    aSet("above", onSetpriority([nice], "GT", "7")),
    aSet("below", onSetpriority([nice], "LT", "-5")),
    aSet("in", onSetpriority([nice], "InRange", "-5:-1", "8:9")),
    aSet("map", onSetpriority([nice], "InMap", "-6", "5", "8:9")),
    aSet("mask", onSetpriority([nice], "Mask", "1", "8")),
    aSet("not-in", onSetpriority([nice], "NotInRange", "-20:0", "8:19")),
  ]);
  assert.deepEqual(await reportedFor(5), ["map 5", "mask 5", "not-in 5"]);
  assert.deepEqual(await reportedFor(7), ["mask 7", "not-in 7"]);
  assert.deepEqual(await reportedFor(8), ["above 8", "in 8", "map 8", "mask 8"]);
  assert.deepEqual(await reportedFor(-5), ["in -5", "mask -5"]);
  assert.deepEqual(await reportedFor(-6), ["below -6", "map -6", "mask -6"]);
});

test("an expression is met by the numbers that it is true of", async () => {
  const withExpr = (name: string, expression: string) =>
    policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: {name: ${name}}
spec:
  kprobes:
  - call: sys_setpriority
    syscall: true
    args:
    - {index: 2, type: int}
    - {index: 0, type: uint32}
    selectors:
    - matchArgs:
      - {operator: CelExpr, values: ["${expression}"]}
`);
  await kernel.program([
    withExpr("both", "arg0 > int32(3) && arg0 != int32(7) && arg1 == uint32(0u)"),
    withExpr("neither", "!(arg0 >= int32(0) || arg1 == uint32(5u))"),
    withExpr("other", "arg0 > int32(3) && arg1 == uint32(5u)"),
  ]);
  assert.deepEqual(await reportedFor(3), []);
  assert.deepEqual(await reportedFor(7), []);
  assert.deepEqual(await reportedFor(8), ["both 8"]);
  assert.deepEqual(await reportedFor(-1), ["neither -1"]);
});

test("a number of 8 or 16 bits is the register's lowest", async () => {
  const types = ["int8", "uint8", "int16", "uint16"] as const;
  await kernel.program(
    types.map((type) => aSet(type, onSetpriority([{ index: 2, type }], "LessThan", "100"))),
  );
  assert.deepEqual(await reportedFor(-3), ["int16 -3", "int8 -3"]);
  await kernel.program(
    types.map((type) => aSet(type, onSetpriority([{ index: 2, type }], "GreaterThan", "100"))),
  );
  assert.deepEqual(await reportedFor(-3), ["uint16 65533", "uint8 253"]);
});

test("who opens a file to write it is refused by its flags, who reads it is not", async () => {
  const folder = "/tmp/by-flags";
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/a`, "content");
  await kernel.program([
    policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: {name: read-only}
spec:
  kprobes:
  - call: sys_openat
    syscall: true
    args:
    - {index: 1, type: string}
    - {index: 2, type: int}
    selectors:
    - matchArgs:
      - {index: 1, operator: Prefix, values: ["${folder}/"]}
      - {index: 2, operator: Mask, values: ["1", "2"]} # O_WRONLY, O_RDWR
      matchActions:
      - {action: Sigkill}
`),
  ]);
  assert.equal((await sh(`cat ${folder}/a`)).code, 0);
  assert.notEqual((await sh(`dd if=/dev/null of=${folder}/a`)).code, 0);
  assert.notEqual((await sh(`exec 3<>${folder}/a`)).code, 0);
  assert.equal((await sh("dd if=/dev/null of=/tmp/elsewhere")).code, 0);
});
