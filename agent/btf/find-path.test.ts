import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBtfPath } from "@guardbee/policy/sets";
import { type FoundPath, findPath } from "./find-path.ts";
import { btfOf, sampleTypes } from "./testing-types.ts";
import { BtfTypes } from "./types.ts";

const types = new BtfTypes(btfOf(sampleTypes));
const root = types.structNamed("task")!;

function find(path: string): FoundPath | string {
  const steps = parseBtfPath(path);
  assert.ok(typeof steps === "object", `${path}: ${steps}`);
  return findPath(types, root, steps);
}

const number = (offsets: readonly number[], bytes: number, type: FoundPath["type"]) => ({
  ...({ offsets, bytes, type, is: "number" } as const),
  isSigned: type?.startsWith("int") ?? false,
});

const found: Readonly<Record<string, Partial<FoundPath>>> = {
  pid: number([0], 4, "int"),
  comm: { offsets: [4], bytes: 0, is: "place", type: "string", shown: "char[16]" },
  "comm[2]": number([6], 1, "int8"),
  flag: { ...number([20], 1, "uint32"), bits: { before: 3, count: 1 } },
  sign: { ...number([21], 1, "int"), bits: { before: 0, count: 5 } },
  "in[2].a": number([24 + 2 * 8], 4, "int"),
  "in[1].b": number([24 + 8 + 4], 4, "int"),
  "in[1].d": number([24 + 8 + 6], 2, "int16"),
  "out.c": number([56, 4], 1, "int8"),
  "out[3].a": number([56, 24], 4, "int"),
  fds: { offsets: [64], bytes: 8, is: "pointer", type: undefined, shown: "struct file * *" },
  "fds[1]": { offsets: [64, 8], bytes: 8, is: "pointer", type: "file" },
  "fds[1].mode": number([64, 8, 0], 2, "uint16"),
  "fds.mode": number([64, 0, 0], 2, "uint16"),
  "first.f_path": { offsets: [72, 8], bytes: 0, is: "place", type: "path" },
  "first.f_path.dentry": { offsets: [72, 16], bytes: 8, is: "pointer", type: "dentry" },
  "first.f_path.dentry.name": { offsets: [72, 16, 8], bytes: 8, is: "pointer", type: undefined },
  "first.f_path.dentry.iname": { offsets: [72, 16, 16], bytes: 0, is: "place", type: "string" },
  caps: { offsets: [80], bytes: 0, is: "place", type: "kernel_cap_t" },
  held: { offsets: [88], bytes: 8, is: "pointer", type: "kernel_cap_t" },
  "caps.val": number([80], 8, "uint64"),
  text: { offsets: [96], bytes: 8, is: "pointer", type: "string" },
  yes: number([104], 1, "uint8"),
  color: number([108], 4, "int"),
  far_color: number([112], 8, "uint64"),
  "next.next.pid": number([120, 120, 0], 4, "int"),
  "flexible[3]": number([140], 4, "int"),
  "[1].pid": number([128], 4, "int"),
};

for (const [path, want] of Object.entries(found)) {
  test(`${path} leads where C has it`, () => {
    const got = find(path);
    assert.ok(typeof got === "object", String(got));
    assert.deepEqual({ ...got, ...want }, got);
  });
}

const nowhere: Readonly<Record<string, RegExp>> = {
  other: /^struct task has no member other$/,
  "pid.a": /^int has no members, and none a$/,
  "pid[0]": /^int has no elements$/,
  "comm[16]": /^char\[16\] has no element 16$/,
  "in[4]": /^struct inner\[4\] has no element 4$/,
  "first.f_path.mnt.x": /^void has no members/,
  "first.f_path.mnt[1]": /^void has no size$/,
  [`${"next.".repeat(11)}pid`]: /^follows more than 10 pointers$/,
};

for (const [path, why] of Object.entries(nowhere)) {
  test(`${path.slice(0, 30)} leads nowhere, and why is said`, () => {
    const got = find(path);
    assert.ok(typeof got === "string", JSON.stringify(got));
    assert.match(got, why);
  });
}

test("a path may follow ten pointers", () => {
  const got = find(`${"next.".repeat(10)}pid`);
  assert.ok(typeof got === "object", String(got));
  assert.equal(got.offsets.length, 11);
});

test("structs without a name are looked through however deep they are, and once", () => {
  const depth = 20_000;
  const texts = Buffer.from("\0task\0x\0");
  const bytes = Buffer.alloc(24 + depth * 24 + texts.length);
  bytes.writeUInt16LE(0xeb9f, 0);
  for (const [at, value] of [...[24, 0, depth * 24, depth * 24, texts.length].entries()]) {
    bytes.writeUInt32LE(value, 4 + 4 * at);
  }
  for (let i = 0; i < depth; i++) {
    const isLast = i === depth - 1;
    const struct = [i === 0 ? 1 : 0, (4 << 24) | 1, 4]; // its name, one member, its size
    const member = [isLast ? 6 : 0, isLast ? 1 : i + 2, 8]; // in the struct before
    for (const [word, value] of [...struct, ...member].entries()) {
      bytes.writeUInt32LE(value, 24 + i * 24 + 4 * word);
    }
  }
  texts.copy(bytes, bytes.length - texts.length);
  const deep = new BtfTypes(bytes);
  const steps = parseBtfPath("x") as Exclude<ReturnType<typeof parseBtfPath>, string>;
  const place = findPath(deep, deep.structNamed("task")!, steps);
  assert.deepEqual(typeof place === "object" && place.offsets, [depth]);
  bytes.writeUInt32LE(0, 24 + (depth - 1) * 24 + 12); // the last one has the first in it
  assert.equal(findPath(deep, 1, steps), "struct task has no member x");
});
