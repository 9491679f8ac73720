import assert from "node:assert/strict";
import { test } from "node:test";
import type { Action, Arg, Hook, Mode } from "@guardbee/policy";
import { enums, layout } from "../gen/layout.ts";
import { read } from "../layout/struct.ts";
import { actionCodes } from "./codes.ts";
import { compile } from "./tables.ts";
import { aSet, nothingShared, pointOf, usesOf } from "./testing/compiled.ts";

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
  const { code, error, signal, group } = entry;
  return {
    flags: Object.entries(enums.act_flag).flatMap(([name, bit]) =>
      entry.flags & bit ? [name.slice("ACT_".length).toLowerCase()] : [],
    ),
    ...{ code, error, signal, group, followSlot: entry.follow_slot },
    argSlots: entry.arg_slots.slice(0, entry.args),
    uses: usesOf(tables),
  };
}

const bare = {
  ...{ flags: ["post"], code: actionCodes.Post, error: 0, signal: 0, group: 8n, followSlot: 0 },
  ...{ argSlots: [0, 1], uses: [] as string[] },
};
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
    want: { flags: [], code: actionCodes.NoPost },
  },
  {
    name: "Sigkill is signal 9",
    actions: [{ action: "Sigkill" }],
    want: { flags: ["post", "signal"], code: actionCodes.Sigkill, signal: 9, uses: ["enforce"] },
  },
  {
    name: "Signal has its number",
    actions: [{ action: "Signal", signal: 10 }],
    want: { flags: ["post", "signal"], code: actionCodes.Signal, signal: 10, uses: ["enforce"] },
  },
  {
    name: "monitor mode leaves the signal out and names it",
    ...{ actions: [{ action: "Sigkill" }], mode: "monitor" },
    want: { flags: ["post", "monitored"], code: actionCodes.Sigkill, uses: ["enforce"] },
  },
  {
    name: "FollowFD has the reading of the file",
    actions: [{ action: "FollowFD", fd: 0, name: 1 }],
    want: {
      ...{ flags: ["post", "follow"], code: actionCodes.FollowFD, followSlot: 1 },
      uses: ["follow"],
    },
  },
  {
    name: "UnfollowFD has a reading of its own for the descriptor",
    actions: [{ action: "UnfollowFD", fd: 0 }],
    want: {
      ...{
        flags: ["post", "unfollow"],
        code: actionCodes.UnfollowFD,
        followSlot: 2,
        argSlots: [0, 1],
      },
      uses: ["follow"],
    },
  },
];
for (const { name, actions, mode, want } of cases) {
  test(`encodeAction: ${name}`, () => {
    assert.deepEqual(entryOf(actions, mode), { ...bare, ...want });
  });
}

test("encodeAction: Override has the error as the call returns it", () => {
  const on = { kind: "kprobe", call: "sys_write", syscall: true } as const;
  const actions: readonly Action[] = [{ action: "Override", error: 13 }];
  const hook: Hook = { on, args: [], selectors: [{ conditions: [], actions }] };
  const { actions: entries } = compile(pointOf(aSet("p", hook)), nothingShared);
  assert.equal(read(entries[0]!, layout.action_entry).error, -13);
});

test("encodeAction refuses FollowFD and UnfollowFD in one selector, and names the policy", () => {
  const actions: readonly Action[] = [
    { action: "FollowFD", fd: 0, name: 1 },
    { action: "UnfollowFD", fd: 0 },
  ];
  assert.throws(() => entryOf(actions), {
    name: "RangeError",
    message: "p: one selector has both FollowFD and UnfollowFD; use two selectors",
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
