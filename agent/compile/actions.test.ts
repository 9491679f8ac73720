import assert from "node:assert/strict";
import { test } from "node:test";
import type { Action, Arg, Hook, Mode } from "@guardbee/policy";
import { bounds } from "../../policy/schema/bounds.ts";
import { enums, layout } from "../gen/layout.ts";
import { read } from "../layout/struct.ts";
import { plan } from "./plan.ts";
import { compile } from "./tables.ts";
import { ableKernel, aSet, nothingShared, pointOf, usesOf } from "./testing/compiled.ts";

const args: readonly Arg[] = [
  { index: 0, type: "int" },
  { index: 1, type: "file" },
];

/** struct action_entry of a hook with one selector that has these actions. */
function entryOf(actions: readonly Action[], mode: Mode = "enforce") {
  const on = { kind: "kprobe", call: "fd_install", syscall: false } as const;
  const hook: Hook = { on, args, selectors: [{ conditions: [], actions }] };
  const plain = aSet("p", hook);
  const set = { ...plain, set: { ...plain.set, mode } };
  const shared = { ...nothingShared, followGroups: new Map([["p", 3]]) };
  const tables = compile(pointOf(set), shared);
  const entry = read(tables.actions[0]!, layout.action_entry);
  const { code, group, operations, operation_count } = entry;
  return {
    flags: flagNames(entry.flags),
    ...{ code, group, operations: operations.slice(0, operation_count) },
    argReadings: entry.arg_readings.slice(0, entry.args),
    uses: usesOf(tables),
    carriedOut: read(tables.spec, layout.hook_spec).actions,
  };
}

/** Names of act_flag's bits, but what follows from the arguments alone. */
function flagNames(flags: number): readonly string[] {
  return Object.entries(enums.act_flag).flatMap(([name, bit]) =>
    flags & bit & ~enums.act_flag.ACT_EVENT_READINGS
      ? [name.slice("ACT_".length).toLowerCase()]
      : [],
  );
}

const { ACTION_POST, ACTION_NOPOST, ACTION_SIGKILL, ACTION_SIGNAL } = enums.action_code;
const { ACTION_OVERRIDE, ACTION_FOLLOWFD, ACTION_UNFOLLOWFD, ACTION_AGGREGATE } = enums.action_code;
const { OPERATION_STOPS } = enums.operation_flag;
type Operations = ReturnType<typeof entryOf>["operations"];
/** One operation, and the bits that come with it. */
const carriesOut = (action: number, flags: number, arg: number) => ({
  operations: [{ action, flags, reading: 0, arg }] as Operations,
  carriedOut: 1 << action,
});
const bare = {
  ...{
    flags: [] as readonly string[],
    code: ACTION_POST as number,
    group: 8n,
    operations: [] as Operations,
  },
  ...{ argReadings: [0, 1], uses: [] as readonly string[], carriedOut: 0 },
};
const stopping = { flags: ["stops"], uses: ["enforce"] };
const cases: readonly {
  name: string;
  actions: readonly Action[];
  mode?: Mode;
  want: Partial<ReturnType<typeof entryOf>>;
}[] = [
  { name: "no action reports", actions: [], want: {} },
  {
    name: "NoPost reports nothing",
    actions: [{ action: "NoPost" }],
    want: { flags: ["nothing"], code: ACTION_NOPOST, ...carriesOut(ACTION_NOPOST, 0, 0) },
  },
  {
    name: "Sigkill needs no argument",
    actions: [{ action: "Sigkill" }],
    want: {
      ...{ ...stopping, code: ACTION_SIGKILL },
      ...carriesOut(ACTION_SIGKILL, OPERATION_STOPS, 0),
    },
  },
  {
    name: "Signal has its number",
    actions: [{ action: "Signal", signal: 10 }],
    want: {
      ...{ ...stopping, code: ACTION_SIGNAL },
      ...carriesOut(ACTION_SIGNAL, OPERATION_STOPS, 10),
    },
  },
  {
    name: "a rate limit has its seconds and its scope",
    actions: [{ action: "Post", every: 3600, per: "process" }],
    want: { uses: ["rates"], ...carriesOut(ACTION_POST, 0, (3600 << 2) | 1) },
  },
  {
    name: "Aggregate has its window",
    actions: [{ action: "Aggregate", window: 3600 }],
    want: { code: ACTION_AGGREGATE, ...carriesOut(ACTION_AGGREGATE, 0, 3600) },
  },
  {
    name: "monitor mode leaves the signal out and names it",
    ...{ actions: [{ action: "Sigkill" }], mode: "monitor" },
    want: {
      ...{ flags: ["stops", "monitored"], code: ACTION_SIGKILL, uses: ["enforce"] },
    },
  },
  {
    name: "monitor mode leaves out only what stops",
    actions: [{ action: "FollowFD", fd: 0, name: 1 }, { action: "Sigkill" }],
    mode: "monitor",
    want: {
      ...{ flags: ["stops", "monitored"], code: ACTION_SIGKILL, uses: ["enforce"] },
      ...carriesOut(ACTION_FOLLOWFD, 0, 1),
    },
  },
  {
    name: "FollowFD has the reading of the file",
    actions: [{ action: "FollowFD", fd: 0, name: 1 }],
    want: { code: ACTION_FOLLOWFD, ...carriesOut(ACTION_FOLLOWFD, 0, 1) },
  },
  {
    name: "UnfollowFD does nothing beside its event",
    actions: [{ action: "UnfollowFD", fd: 0 }],
    want: { code: ACTION_UNFOLLOWFD },
  },
  {
    name: "several are carried out in their order",
    actions: [
      ...([{ action: "Signal", signal: 12 }, { action: "Post" }] as const),
      ...([
        { action: "FollowFD", fd: 0, name: 1 },
        { action: "Signal", signal: 10 },
      ] as const),
      { action: "UnfollowFD", fd: 0 },
    ],
    want: {
      ...{ ...stopping, flags: ["stops", "closes"], code: ACTION_UNFOLLOWFD },
      operations: [
        { action: ACTION_SIGNAL, flags: OPERATION_STOPS, reading: 0, arg: 12 },
        { action: ACTION_FOLLOWFD, flags: 0, reading: 0, arg: 1 },
        { action: ACTION_SIGNAL, flags: OPERATION_STOPS, reading: 0, arg: 10 },
      ],
      carriedOut: (1 << ACTION_SIGNAL) | (1 << ACTION_FOLLOWFD),
    },
  },
];
for (const { name, actions, mode, want } of cases) {
  test(`encodeActions: ${name}`, () => {
    assert.deepEqual(entryOf(actions, mode), { ...bare, ...want });
  });
}

for (const [mode, flags] of [
  ["enforce", ["closes"]],
  ["monitor", ["monitored", "closes"]],
] as const) {
  test(`encodeActions: in ${mode} mode, FollowFD in a policy that stops what it follows says so`, () => {
    const on = (call: string) =>
      ({ kind: "kprobe", call, syscall: call !== "fd_install" }) as const;
    const opening: Hook = {
      on: on("fd_install"),
      args: [
        { index: 0, type: "int" },
        { index: 1, type: "file" },
      ],
      selectors: [{ conditions: [], actions: [{ action: "FollowFD", fd: 0, name: 1 }] }],
    };
    const writing: Hook = {
      on: on("sys_write"),
      args: [{ index: 0, type: "fd" }],
      selectors: [{ conditions: [], actions: [{ action: "Sigkill" }] }],
    };
    const set = aSet("p", opening, writing);
    const point = pointOf({ ...set, set: { ...set.set, mode } });
    const entry = read(compile(point, nothingShared).actions[0]!, layout.action_entry);
    assert.deepEqual(flagNames(entry.flags), [...flags]);
  });
}

for (const mode of ["enforce", "monitor"] as const) {
  test(`encodeActions: in ${mode} mode, what is done at the return is told to the program there, and that it stops to both`, () => {
    const on = { kind: "kprobe", call: "sys_write", syscall: true } as const;
    const selector = {
      conditions: [],
      actions: [{ action: "Aggregate", window: 5 }, { action: "NoPost" }],
      returnActions: [{ action: "Signal", signal: 9 }],
    } as const;
    const set = aSet("p", { on, args: [], returned: { type: "int" }, selectors: [selector] });
    const { points } = plan([{ ...set, set: { ...set.set, mode } }], ableKernel);
    const entries = points.map((point) => {
      const tables = compile(point, nothingShared);
      const { flags, code, operations, operation_count } = read(
        tables.actions[0]!,
        layout.action_entry,
      );
      const names = operations.slice(0, operation_count).map(({ action }) => action);
      return { flags: flagNames(flags), code, names };
    });
    const monitored = mode === "monitor" ? ["monitored"] : [];
    const code = ACTION_NOPOST;
    assert.deepEqual(entries, [
      { flags: [...monitored, "waits", "goes_on", "stops_later"], code, names: [ACTION_NOPOST] },
      {
        ...{ flags: ["stops", ...monitored, "returned"], code },
        names: mode === "monitor" ? [ACTION_AGGREGATE] : [ACTION_AGGREGATE, ACTION_SIGNAL],
      },
    ]);
  });
}

test("encodeActions: Override has the error as the call returns it", () => {
  const on = { kind: "kprobe", call: "sys_write", syscall: true } as const;
  const actions: readonly Action[] = [{ action: "Override", error: 13 }];
  const hook: Hook = { on, args: [], selectors: [{ conditions: [], actions }] };
  const { actions: entries } = compile(pointOf(aSet("p", hook)), nothingShared);
  assert.deepEqual(read(entries[0]!, layout.action_entry).operations[0], {
    ...{ action: ACTION_OVERRIDE, flags: OPERATION_STOPS, reading: 0, arg: -13 },
  });
});

test("an entry has room for all that a policy may give a selector, and refuses more", () => {
  const signals = (count: number) =>
    Array.from({ length: count }, (): Action => ({ action: "Signal", signal: 10 }));
  const most = bounds.actions;
  assert.equal(entryOf(signals(most)).operations.length, most);
  assert.throws(() => entryOf(signals(most + 1)), {
    name: "RangeError",
    message: `operations: has room for ${most}, not for ${most + 1}`,
  });
});

test("an entry leads to the first selector of the next hook", () => {
  const on = { kind: "exec" } as const;
  const selector = { conditions: [], actions: [] };
  const point = pointOf(
    aSet("p", { on, args: [], selectors: [selector, selector] }, { on, args: [], selectors: [] }),
  );
  const { actions } = compile(point, nothingShared);
  const places = actions.map((bytes) => {
    const { selector, next } = read(bytes, layout.action_entry);
    return { selector, next };
  });
  assert.deepEqual(places, [
    { selector: 0, next: 2 },
    { selector: 1, next: 2 },
    { selector: 0, next: 3 },
  ]);
});
