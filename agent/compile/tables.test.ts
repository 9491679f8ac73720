import assert from "node:assert/strict";
import { test } from "node:test";
import type { Arg, Condition } from "@guardbee/policy";
import { enums, layout } from "../gen/layout.ts";
import { read } from "../layout/struct.ts";
import { classBits, classRow } from "./class-rows.ts";
import { plan } from "./plan.ts";
import { compile } from "./tables.ts";
import {
  ableKernel,
  aSet,
  compiled,
  entriesOf,
  facetsOf,
  headOf,
  left,
  mapRowsOf,
  nothingShared,
  onWrite,
  ownRow,
  pointOf,
  rowsOf,
  when,
} from "./testing/compiled.ts";

const fdNumber: Arg = { index: 0, type: "int" };
const file: Arg = { index: 0, type: "fd" };
const buffer: Arg = { index: 1, type: "char_buf", sizeArgIndex: 3 };

type Op = "Equal" | "NotEqual" | "Prefix" | "NotPrefix";
const arg = (op: Op, ...values: readonly string[]): Condition => ({
  ...{ by: "arg", arg: 0 },
  ...{ op, values },
});
const pid = (
  op: "In" | "NotIn",
  values: readonly number[],
  how: { readonly inNamespace?: boolean; readonly followForks?: boolean } = {},
): Condition => ({ by: "pid", op, values, inNamespace: false, followForks: false, ...how });
const binary = (op: "In" | "NotIn" | "Prefix" | "NotPrefix", ...values: string[]): Condition => ({
  ...{ by: "binary", op, values },
});
const capability = (op: "In" | "NotIn", ...values: number[]): Condition => ({
  ...{ by: "capability", op, values },
  ...{ set: "effective", userNamespace: "any" },
});

test("a number leaves the selectors that list it, and those that exclude others", () => {
  const tables = compiled(
    [fdNumber],
    [when(arg("Equal", "1", "2")), when(arg("NotEqual", "2")), when()],
  );
  assert.deepEqual(entriesOf(tables), { "0 = 1": "0 1 2", "0 = 2": "0 2" });
  const { otherwise, absent } = rowsOf(tables, "FACET_ARG_NUMBER");
  assert.deepEqual({ otherwise, absent }, { otherwise: "1 2", absent: "2" });
  assert.deepEqual(facetsOf(tables), ["FACET_ARG_NUMBER"]);
});

test("a negative number is the register's 64 bits", () => {
  const tables = compiled([fdNumber], [when(arg("Equal", "-1"))]);
  assert.deepEqual(entriesOf(tables), { "0 = 18446744073709551615": "0" });
});

test("a path has one entry for equality and one that also holds for shorter prefixes", () => {
  const tables = compiled(
    [file],
    [when(arg("Equal", "/tmp/a")), when(arg("Prefix", "/")), when(arg("NotPrefix", "/tmp/"))],
  );
  assert.deepEqual(entriesOf(tables), {
    "0 = /tmp/a": "0 1 2",
    "0 = /*": "0 1 2",
    "0 = /tmp/*": "0 1",
  });
  assert.deepEqual(rowsOf(tables, "FACET_ARG_TEXT"), {
    ...{ otherwise: "0 2", absent: "", unequal: "1 2" },
  });
});

test("text is compared by its UTF-8 bytes", () => {
  const tables = compiled([buffer], [when(arg("Equal", "é"))]);
  assert.deepEqual(entriesOf(tables), { "0 = é": "0" });
  assert.equal(read(tables.equals[0]!.key, layout.equal_key).dim_and_size, 2);
});

test("pids in the namespace and in the host's are two dimensions", () => {
  const tables = compiled(
    [],
    [when(pid("In", [1], { inNamespace: true })), when(pid("NotIn", [7]))],
  );
  assert.deepEqual(facetsOf(tables), ["FACET_NSPID", "FACET_PID"]);
  assert.deepEqual(entriesOf(tables), { "0 = 1": "0 1", "1 = 7": "0" });
  const nspid = rowsOf(tables, "FACET_NSPID");
  assert.deepEqual([nspid.otherwise, nspid.absent], ["1", "1"]);
  const pids = rowsOf(tables, "FACET_PID");
  assert.deepEqual([pids.otherwise, pids.absent], ["0 1", "0"]);
});

test("followForks has an entry a pid for what it lets in, and one for what it shuts out", () => {
  const tables = compiled(
    [],
    [when(pid("In", [7], { followForks: true })), when(pid("NotIn", [7], { followForks: true }))],
  );
  assert.deepEqual(entriesOf(tables), { "0 = 7": "0", "0 list 1 = 7": "1" });
  assert.equal(rowsOf(tables, "FACET_PID_TREE").otherwise, "1");
  assert.deepEqual(facetsOf(tables), ["FACET_PID_TREE"]);
});

test("executables have a row by number, and one for those that nobody names", () => {
  const tables = compiled(
    [],
    [
      when(binary("In", "/bin/a")),
      when(binary("NotIn", "/bin/b")),
      when(binary("Prefix", "/bin/")),
    ],
    {
      binaries: {
        exact: new Map([
          ["/bin/a", 1],
          ["/bin/b", 2],
        ]),
        prefix: new Map([["/bin/", 1]]),
        postfix: new Map(),
      },
    },
  );
  assert.deepEqual(facetsOf(tables), ["FACET_BINARY", "FACET_BINARY_PREFIX"]);
  assert.deepEqual(mapRowsOf(tables, "FACET_BINARY"), ["0 1 2", "2"]);
  assert.deepEqual(mapRowsOf(tables, "FACET_BINARY_PREFIX"), ["0 1 2"]);
  const exact = rowsOf(tables, "FACET_BINARY");
  assert.deepEqual([exact.otherwise, exact.absent], ["1 2", "2"]);
  const prefix = rowsOf(tables, "FACET_BINARY_PREFIX");
  assert.deepEqual([prefix.otherwise, prefix.absent], ["0 1", "0 1"]);
});

test("capabilities have rows for not held, held, and not counting", () => {
  const tables = compiled([], [when(capability("In", 21)), when(capability("NotIn", 21)), when()]);
  assert.equal(headOf(tables).facets[0]!.count, 1);
  assert.deepEqual(mapRowsOf(tables, "FACET_CAPABILITIES", 3), ["1 2", "0 2", "2"]);
  assert.equal(headOf(tables).caps[0]!.mask, 1n << 21n);
  assert.deepEqual(facetsOf(tables), ["FACET_CAPABILITIES"]);
});

test("a namespace is another's or the host's, where a number may be listed or not", () => {
  const namespace = (op: "In" | "NotIn", ...values: string[]): Condition => ({
    ...{ by: "namespace", namespace: "Net", op, values },
  });
  const tables = compiled(
    [],
    [when(namespace("In", "host_ns")), when(namespace("NotIn", "7", "host_ns")), when()],
  );
  assert.deepEqual(facetsOf(tables), ["FACET_NAMESPACE"]);
  assert.deepEqual(entriesOf(tables), {
    ...{ "0 = 0": "1 2", "0 = 7": "2" },
    ...{ "0 list 1 = 0": "0 2", "0 list 1 = 7": "0 2" },
  });
  const { otherwise, absent } = rowsOf(tables, "FACET_NAMESPACE");
  assert.deepEqual([otherwise, absent], ["1 2", "2"]);
});

test("a descriptor that must be followed has a row for none and one for each group", () => {
  const follow = {
    ...{ on: { kind: "kprobe", call: "fd_install", syscall: false } as const },
    args: [
      { index: 0, type: "int" },
      { index: 1, type: "file" },
    ] as const,
    selectors: [{ conditions: [], actions: [{ action: "FollowFD", fd: 0, name: 1 }] }] as const,
  };
  const sets = [aSet("a", onWrite([file]), follow), aSet("b", onWrite([file]))];
  const point = { ...pointOf(...sets) };
  const tables = compile(point, { ...nothingShared, followGroups: new Map([["a", 5]]) });
  const rows = mapRowsOf(tables, "FACET_ARG_FOLLOWED");
  assert.equal(rows.length, 1 + enums.engine_limit.FOLLOW_GROUPS);
  assert.equal(rows[0], "1");
  assert.deepEqual([rows[1 + 5], rows[1 + 6]], ["0", ""]);
});

test("a class leaves the selectors of the sets that hold there", () => {
  const point = pointOf(aSet("a", onWrite([], when(), when())), aSet("b", onWrite([])));
  const classes = [new Set(["b"]), new Set(["a", "b"])];
  const tables = compile(point, { ...nothingShared, classes, classCapacity: 3 });
  assert.deepEqual(tables.rows.slice(0, 3).map(left), ["2", "0 1 2", ""]);
  assert.equal(left(classRow(classBits(point, 1)(new Set(["a"])))), "0 1");
  assert.deepEqual([headOf(tables).host, ownRow(tables, enums.table_row.HOST_ROW)], [1, "2"]);
  const unscoped = compile(point, nothingShared);
  assert.deepEqual([headOf(unscoped).host, ownRow(unscoped, enums.table_row.HOST_ROW)], [0, ""]);
});

test("the selectors that stop something are told apart, of sets that enforce", () => {
  const stops = { conditions: [], actions: [{ action: "Sigkill" }] } as const;
  const sets = [aSet("a", onWrite([], when(), stops)), aSet("b", onWrite([], stops))];
  const monitor = { ...sets[1]!, set: { ...sets[1]!.set, mode: "monitor" } } as const;
  const tables = compile(pointOf(sets[0]!, monitor), nothingShared);
  assert.equal(ownRow(tables, enums.table_row.STOPPING_ROW), "1");
});

test("behind the bits of a class stands which word alone has any", () => {
  const many = Array.from({ length: 70 }, () => when());
  const point = pointOf(aSet("a", onWrite([], ...many)), aSet("b", onWrite([])));
  const classes = [new Set(["b"]), new Set<string>(), new Set(["b"]), new Set(["a", "b"])];
  const tables = compile(point, { ...nothingShared, classes, classCapacity: 5 });
  const { WORD_NONE, WORD_SEVERAL } = enums.only_word;
  const wordOf = (row: Uint8Array) => Buffer.from(row).readUInt32LE(2 * 8);
  const words = tables.rows.slice(0, 5).map(wordOf);
  assert.deepEqual(words, [1, WORD_NONE, 1, WORD_SEVERAL, WORD_NONE]);
  assert.equal(headOf(tables).host_word, 1);
  assert.ok(tables.rows.every((row) => row.length === 3 * 8));
  assert.equal(wordOf(classRow(classBits(point, 2)(new Set(["a"])))), WORD_SEVERAL);
});

test("numbers and texts are told apart, and how many arguments an event has", () => {
  const specOf = (args: readonly Arg[], ...conditions: Condition[]) => {
    const tables = compiled(args, [when(...conditions)]);
    const spec = read(tables.spec, layout.hook_spec);
    const numberEvents = (spec.use & enums.hook_use.USE_NUMBER_EVENTS) !== 0;
    return { facets: facetsOf(tables), numberEvents, eventArgs: spec.event_args };
  };
  assert.deepEqual(specOf([fdNumber, { index: 2, type: "size_t" }], arg("Equal", "1")), {
    ...{ facets: ["FACET_ARG_NUMBER"], numberEvents: true, eventArgs: 2 },
  });
  assert.deepEqual(specOf([file], arg("Prefix", "/")), {
    ...{ facets: ["FACET_ARG_TEXT"], numberEvents: false, eventArgs: 1 },
  });
});

test("of events that have only numbers those with the most arguments have theirs in the program", () => {
  const size: Arg = { index: 2, type: "size_t" };
  const lists: readonly (readonly Arg[])[] = [[fdNumber], [size, fdNumber], [fdNumber, size]];
  const point = pointOf(...lists.map((args, i) => aSet(`p${i}`, onWrite(args, when()))));
  const { spec, actions } = compile(point, nothingShared);
  const { event_args, event_readings } = read(spec, layout.hook_spec);
  assert.deepEqual(event_readings.slice(0, event_args), [1, 0]);
  const has = actions.map((entry) => read(entry, layout.action_entry).flags);
  assert.deepEqual(has, [0, enums.act_flag.ACT_EVENT_READINGS, 0]);
});

test("a file is read in place where the verifier knows that the parameter is one", () => {
  const flagsOf = (...parameters: string[]) => {
    const typesOf = () => ({ parameters, returns: "int" });
    const on = { kind: "kprobe", call: "security_file_permission", syscall: false } as const;
    const args = [{ index: 0, type: "file" }] as const;
    const set = aSet("p", { on, args, selectors: [when(arg("Prefix", "/"))] });
    const [point] = plan([set], { ...ableKernel, typesOf }).points;
    return read(compile(point!, nothingShared).spec, layout.hook_spec).readings[0]!.flags;
  };
  assert.equal(flagsOf("struct file *", "int"), enums.reading_flag.READ_TYPED);
  assert.equal(flagsOf("struct inode *", "int"), 0);
});

test("a reading is one, however often and in whatever facet it is asked for", () => {
  const follow = {
    ...{ on: { kind: "kprobe", call: "fd_install", syscall: false } as const },
    args: [
      { index: 0, type: "int" },
      { index: 1, type: "file" },
    ] as const,
    selectors: [{ conditions: [], actions: [{ action: "FollowFD", fd: 0, name: 1 }] }] as const,
  };
  const asking = when(arg("Prefix", "/a/"), arg("NotEqual", "/a/b"));
  const sets = [
    aSet("a", onWrite([file], asking), follow),
    aSet("b", onWrite([file], when(arg("Equal", "/b")))),
  ];
  const tables = compile(pointOf(...sets), {
    ...{ ...nothingShared, followGroups: new Map([["a", 0]]) },
  });
  assert.deepEqual(facetsOf(tables), ["FACET_ARG_FOLLOWED", "FACET_ARG_TEXT"]);
  const { facets, readings } = read(tables.spec, layout.hook_spec);
  assert.deepEqual([facets[0]!.reading, facets[1]!.reading], [0, 0]);
  assert.deepEqual([readings[0]!.type, readings[1]!.type], [enums.arg_type.ARG_FD, 0]);
});

test("bitmaps are as wide as the selectors need, in powers of two", () => {
  const width = (count: number) =>
    compiled(
      [],
      Array.from({ length: count }, () => when()),
    ).words;
  assert.deepEqual([1, 64, 65, 129, 1025, 16384].map(width), [1, 1, 2, 4, 256, 256]);
});

/** A set for each of `count` readings of write's parameters. */
const readings = (count: number, ...conditions: readonly Condition[]) =>
  Array.from({ length: count }, (_, i) => {
    const types = ["int", "uint32", "int64", "uint64", "size_t", "fd", "file"] as const;
    const read: Arg = { index: i % 5, type: types[Math.floor(i / 5)]! };
    return aSet(`p${i}`, onWrite([read], when(...conditions)));
  });

test("arguments that nothing compares are no facet", () => {
  const tables = compile(pointOf(...readings(9)), nothingShared);
  assert.deepEqual(facetsOf(tables), []);
  const { readings: all } = read(tables.spec, layout.hook_spec);
  assert.deepEqual(
    tables.actions.map((action) => {
      const { type, index } = all[read(action, layout.action_entry).arg_readings[0]!]!;
      return [type, index];
    }),
    [
      ...[0, 1, 2, 3, 4].map((index) => [enums.arg_type.ARG_INT, index]),
      ...[0, 1, 2, 3].map((index) => [enums.arg_type.ARG_UINT32, index]),
    ],
  );
});

const tooMuch: readonly { name: string; compile: () => unknown; message: string }[] = [
  {
    name: "16,385 selectors",
    compile: () =>
      compiled(
        [],
        Array.from({ length: 16_385 }, () => when()),
      ),
    message: "__x64_sys_write: 16385 selectors; the engine takes 16384 on one attach point",
  },
  {
    name: "33 properties to compare",
    compile: () => compile(pointOf(...readings(33, arg("Equal", "1"))), nothingShared),
    message:
      "__x64_sys_write: its policies compare 33 properties; the engine takes 32 on one attach point",
  },
  {
    name: "33 tests of capabilities",
    compile: () =>
      compiled(
        [],
        Array.from({ length: 33 }, (_, number) => when(capability("In", number))),
      ),
    message:
      "__x64_sys_write: 33 different matchCapabilities; the engine takes 32 on one attach point",
  },
  {
    name: "two followForks conditions in one selector",
    compile: () =>
      compiled(
        [],
        [when(pid("In", [1], { followForks: true }), pid("In", [2], { followForks: true }))],
      ),
    message: "p: one selector has two matchPIDs In with followForks; write one",
  },
];
for (const { name, compile: run, message } of tooMuch) {
  test(`compile refuses ${name}, and says where`, () => {
    assert.throws(run, { name: "RangeError", message });
  });
}
