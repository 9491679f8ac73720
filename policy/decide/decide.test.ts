import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { binaryOperators } from "../conditions/executable.ts";
import { holds } from "../conditions/index.ts";
import { lower } from "../lower/index.ts";
import { parsePolicies } from "../parse.ts";
import type { Action, Arg, Condition, Hook, SelectorSet } from "../selector-set.ts";
import { anyCall, anyCondition, anyFollowState, anySelectorSet } from "./arbitrary.ts";
import { decide, type NamedSet, type Outcome } from "./decide.ts";
import type { HookCall, Process } from "./event.ts";
import { type FollowState, forgetFile } from "./follow.ts";
import type { OpenFile, Parameter } from "./parameter.ts";

function example(name: string): NamedSet {
  const url = new URL(`../../config/examples/${name}.yaml`, import.meta.url);
  const parsed = parsePolicies(readFileSync(url, "utf8"), name).policies[0]?.result;
  assert.ok(parsed?.ok);
  const result = lower(parsed.value);
  assert.ok(result.ok);
  return { name, set: result.value };
}

const vi: Process = {
  pid: 4711,
  ancestors: [4700, 1],
  nspid: 12,
  nsAncestors: [],
  binary: "/usr/bin/vi",
  capabilities: { effective: 0n, permitted: 0n, inheritable: 0n },
  ...{ namespaces: {}, hostNamespaces: {} },
  inHostUserNamespace: true,
  isProtected: false,
};

const forbidden: OpenFile = { id: 1, path: "/tmp/forbidden/donotchange.me" };
const number = (value: bigint): Parameter => ({ kind: "number", value });

function aCall(call: string, over: Partial<HookCall>): HookCall {
  return {
    on: { kind: "kprobe", call, syscall: call.startsWith("sys_") },
    process: vi,
    holds: new Set(["p", deny.name]),
    parameters: [],
    descriptors: new Map(),
    ...over,
  };
}

const deny = example("deny-tmp-forbidden-write");
const nothing: FollowState = new Map();
const following: FollowState = new Map([[deny.name, new Set([1])]]);

function install(file: OpenFile, over: Partial<HookCall> = {}): HookCall {
  return aCall("fd_install", { parameters: [number(3n), { kind: "file", file }], ...over });
}

function onFd(call: string, file: OpenFile): HookCall {
  return aCall(call, { parameters: [number(3n)], descriptors: new Map([[3, file]]) });
}

function followed(state: FollowState): number[] {
  return [...(state.get(deny.name) ?? [])];
}

test("deny-tmp-forbidden-write follows a forbidden file and kills its writer", () => {
  const opened = decide([deny], nothing, install(forbidden));
  assert.deepEqual(followed(opened.follows), [1]);
  const written = decide([deny], opened.follows, onFd("sys_write", forbidden));
  assert.deepEqual(written.outcomes, [
    {
      set: deny.name,
      hook: 3,
      selector: 0,
      actions: [{ action: "Sigkill" }],
      lastAction: "Sigkill",
      monitored: false,
      stop: "stopped",
      posted: true,
      signals: [9],
    },
  ]);
});

test("deny-tmp-forbidden-write lets other files, pid 1 of a container and reads be", () => {
  const other: OpenFile = { id: 2, path: "/tmp/forbidde" };
  assert.deepEqual(decide([deny], nothing, install(other)).outcomes, []);
  const init = install(forbidden, { process: { ...vi, nspid: 1 } });
  assert.deepEqual(decide([deny], nothing, init).outcomes, []);
  assert.deepEqual(decide([deny], following, onFd("sys_write", other)).outcomes, []);
  const [read] = decide([deny], following, onFd("sys_read", forbidden)).outcomes;
  assert.deepEqual([read?.posted, read?.signals], [true, []]);
});

test("closing a followed descriptor is an event and ends nothing: only the end of the file does", () => {
  const closed = decide([deny], following, onFd("sys_close", forbidden));
  assert.deepEqual(
    closed.outcomes.map(({ lastAction, posted }) => [lastAction, posted]),
    [["UnfollowFD", true]],
  );
  assert.deepEqual(followed(closed.follows), [1]);
  assert.deepEqual(followed(forgetFile(closed.follows, 1)), []);
});

test("closing a descriptor that is not followed is no event", () => {
  assert.deepEqual(decide([deny], nothing, onFd("sys_close", forbidden)).outcomes, []);
});

test("forgetFile ends following for every set", () => {
  assert.deepEqual(followed(forgetFile(following, 1)), []);
});

const inMonitor = (one: NamedSet): NamedSet => ({ ...one, set: { ...one.set, mode: "monitor" } });
const full = install(forbidden, { followsNoMore: true });

test("who opens what cannot be followed is killed at once", () => {
  const { outcomes, follows } = decide([deny], nothing, full);
  const [{ lastAction, signals, stop, monitored, posted } = {}] = outcomes;
  assert.deepEqual(
    { lastAction, signals, stop, monitored, posted },
    { lastAction: "FollowFD", signals: [9], stop: "stopped", monitored: false, posted: true },
  );
  assert.deepEqual(followed(follows), []);
});

test("monitor mode says that it would have killed who opens what cannot be followed", () => {
  const [outcome] = decide([inMonitor(deny)], nothing, full).outcomes;
  assert.deepEqual([outcome?.signals, outcome?.stop, outcome?.monitored], [[], "wouldStop", true]);
});

test("a part of the node is not killed for what cannot be followed", () => {
  const [outcome] = decide([deny], nothing, {
    ...full,
    process: { ...vi, isProtected: true },
  }).outcomes;
  assert.deepEqual([outcome?.signals, outcome?.stop], [[], "ofProtected"]);
});

test("a file that somebody follows already needs no more room", () => {
  const other = new Map([["other", new Set([1])]]);
  const { outcomes, follows } = decide([deny], other, full);
  assert.deepEqual(outcomes[0]?.signals, []);
  assert.deepEqual(followed(follows), [1]);
});

test("a policy that stops nothing on what it follows kills nobody for a file that it cannot follow", () => {
  const hooks = deny.set.hooks.filter(({ on }) => on.kind !== "kprobe" || on.call !== "sys_write");
  const [outcome] = decide([{ ...deny, set: { ...deny.set, hooks } }], nothing, full).outcomes;
  assert.deepEqual([outcome?.signals, outcome?.stop], [[], undefined]);
});

test("what shares descriptors with who opened an unfollowable file may have it: each of its files counts", () => {
  const other: OpenFile = { id: 2, path: "/tmp/other" };
  const write = onFd("sys_write", other);
  const sharing = { ...write, mayFollow: new Set([deny.name]) };
  assert.deepEqual(decide([deny], nothing, sharing).outcomes[0]?.signals, [9]);
  assert.deepEqual(decide([deny], nothing, { ...sharing, descriptors: new Map() }).outcomes, []);
  assert.deepEqual(decide([deny], nothing, { ...write, mayFollow: new Set(["b"]) }).outcomes, []);
});

test("the Override variant stops the call and leaves the process alive", () => {
  const override = example("deny-tmp-forbidden-write-override");
  const call = { ...onFd("sys_write", forbidden), holds: new Set([override.name]) };
  const state = new Map([[override.name, new Set([1])]]);
  const [outcome] = decide([override], state, call).outcomes;
  assert.deepEqual([outcome?.override, outcome?.signals], [1, []]);
});

test("exec-policy-example kills a pod's process with CAP_SYS_ADMIN and nothing else", () => {
  const policy = example("exec-policy-example");
  const admin = { ...vi.capabilities, effective: 1n << 21n };
  const signalsFor = (process: Partial<Process>) =>
    decide([policy], nothing, {
      ...aCall("", {}),
      on: { kind: "exec" },
      process: { ...vi, ...process },
      holds: new Set([policy.name]),
    }).outcomes[0]?.signals;
  assert.deepEqual(signalsFor({ capabilities: admin }), [9]);
  assert.deepEqual(signalsFor({ capabilities: admin, inHostUserNamespace: false }), [9]);
  assert.equal(signalsFor({}), undefined);
  assert.equal(signalsFor({ capabilities: admin, nspid: 0 }), undefined);
  assert.deepEqual(signalsFor({ capabilities: admin, isProtected: true }), []);
});

test("a selector's actions are carried out in order, as many as there are", () => {
  const selector = (...actions: readonly Action[]): NamedSet => ({
    name: "p",
    set: {
      ...deny.set,
      hooks: [
        {
          on: { kind: "kprobe", call: "fd_install", syscall: false },
          args: [
            { index: 0, type: "int" },
            { index: 1, type: "file" },
          ],
          selectors: [{ conditions: [], actions }],
        },
      ],
    },
  });
  const follow = { action: "FollowFD", fd: 0, name: 1 } as const;
  const unfollow = { action: "UnfollowFD", fd: 0 } as const;
  const signal = (signal: number) => ({ action: "Signal", signal }) as const;
  const again = install(forbidden, { descriptors: new Map([[3, forbidden]]) });
  const after = (set: NamedSet) => {
    const { outcomes, follows } = decide([set], new Map([["p", new Set([1])]]), again);
    return [outcomes.flatMap(({ signals }) => signals), [...(follows.get("p") ?? [])]];
  };
  assert.deepEqual(after(selector(signal(12), follow, unfollow, signal(10))), [[12, 10], [1]]);
  assert.deepEqual(after(selector(unfollow, signal(10), follow, signal(10))), [[10, 10], [1]]);
});

test("in monitor mode what stops is left out, and the event says so", () => {
  const monitoring = { ...deny, set: { ...deny.set, mode: "monitor" as const } };
  const [outcome] = decide([monitoring], following, onFd("sys_write", forbidden)).outcomes;
  assert.deepEqual(outcome, {
    set: deny.name,
    hook: 3,
    selector: 0,
    actions: [],
    lastAction: "Sigkill",
    monitored: true,
    stop: "wouldStop",
    posted: true,
    signals: [],
  });
});

const args: readonly Arg[] = [
  { index: 0, type: "fd" },
  { index: 1, type: "char_buf", sizeArgIndex: 3 },
  { index: 2, type: "size_t" },
];
const hook: Hook = {
  on: { kind: "kprobe", call: "sys_write", syscall: true },
  args,
  selectors: [],
};
const opposites = {
  ...{ In: "NotIn", NotIn: "In", Equal: "NotEqual", NotEqual: "Equal" },
  ...{ Prefix: "NotPrefix", NotPrefix: "Prefix" },
  ...{ InRange: "NotInRange", NotInRange: "InRange", InMap: "NotInMap", NotInMap: "InMap" },
} as const;

/** What each process has. */
const always: ReadonlySet<Condition["by"]> = new Set(["pid", "binary", "parentBinary"]);

/** Each operator's verdict on that parameter 0 of a write, or on the process. */
function verdicts(one: Arg, value: string, call: Partial<HookCall>): Record<string, boolean> {
  const hooked = { ...hook, args: [one] };
  const ops = ["Equal", "NotEqual", "Prefix", "NotPrefix"] as const;
  return Object.fromEntries(
    ops.map((op) => {
      const condition: Condition = { by: "arg", arg: 0, op, values: [value] };
      return [op, holds(condition, hooked, aCall("sys_write", call))];
    }),
  );
}

const negatedOnly = { Equal: false, NotEqual: true, Prefix: false, NotPrefix: true };

test("memory that cannot be read meets the negated conditions, and no others", () => {
  for (const type of ["char_buf", "string"] as const) {
    const parameters: Parameter[] = [{ kind: "buffer" }];
    assert.deepEqual(verdicts({ index: 0, type }, "secret", { parameters }), negatedOnly);
  }
});

test("what has no path by its nature meets no condition on paths", () => {
  const pipe: OpenFile = { id: 1 };
  const call = { parameters: [number(3n)], descriptors: new Map([[3, pipe]]) };
  const none = { Equal: false, NotEqual: false, Prefix: false, NotPrefix: false };
  assert.deepEqual(verdicts({ index: 0, type: "fd" }, "/tmp/ok", call), none);
  assert.deepEqual(
    verdicts({ index: 0, type: "fd" }, "/tmp/ok", { parameters: [number(3n)] }),
    none,
  );
});

test("of a detached mount a file is what it seems to be, or in no list", () => {
  const file: OpenFile = { id: 1, path: "/tmp/ok", isDetached: true };
  const matches = (
    ...conditions: readonly (readonly [op: "Equal" | "NotEqual", value: string])[]
  ) =>
    decide(
      [
        {
          name: "p",
          set: {
            ...deny.set,
            hooks: [
              {
                ...{ on: hook.on, args: [{ index: 0, type: "fd" }] },
                selectors: [
                  {
                    actions: [],
                    conditions: conditions.map(([op, value]) => ({
                      ...{ by: "arg", arg: 0, op, values: [value] },
                    })),
                  },
                ],
              },
            ],
          },
        },
      ],
      nothing,
      onFd("sys_write", file),
    ).outcomes.length === 1;
  assert.ok(matches(["Equal", "/tmp/ok"]));
  assert.ok(matches(["NotEqual", "/tmp/ok"]));
  assert.ok(matches(["Equal", "/tmp/ok"], ["NotEqual", "/etc/passwd"]));
  assert.ok(!matches(["Equal", "/tmp/ok"], ["NotEqual", "/tmp/ok"]));
  assert.ok(!matches(["Equal", "/etc/passwd"]));
});

test("a program without a path is in no list of executables", () => {
  const { binary: _, ...inMemory } = vi;
  const met = binaryOperators.filter((op) =>
    holds({ by: "binary", op, values: ["/"] }, hook, aCall("sys_write", { process: inMemory })),
  );
  assert.deepEqual(met, ["NotIn", "NotPrefix", "NotPostfix"]);
});

test("a container runtime in a container that it starts meets no condition on executables", () => {
  const process = { ...vi, startsContainer: true } as const;
  const met = binaryOperators.filter((op) =>
    (["binary", "parentBinary"] as const).some((by) =>
      holds({ by, op, values: ["/"] }, hook, aCall("sys_write", { process })),
    ),
  );
  assert.deepEqual(met, []);
});

test("NotIn of changed namespaces is about those that are not listed, whatever the listed ones are", () => {
  const namespaces = { Pid: 2, Net: 2, Uts: 2 };
  const before = { namespaces: { Pid: 1, Net: 1, Uts: 2 }, capabilities: vi.capabilities };
  const process = { ...vi, namespaces, before };
  const both = (...values: readonly ("Pid" | "Net" | "Uts")[]) =>
    (["In", "NotIn"] as const).map((op) =>
      holds({ by: "namespaceChange", op, values }, hook, aCall("sys_write", { process })),
    );
  assert.deepEqual(both("Pid"), [true, true]);
  assert.deepEqual(both("Net", "Pid"), [true, false]);
  assert.deepEqual(both("Uts"), [false, true]);
});

test("an operator and its opposite never both hold, and one does where there is a value", () => {
  fc.assert(
    fc.property(anyCondition(args), anyCall([]), (condition, call) => {
      fc.pre(condition.op in opposites && condition.by !== "namespaceChange");
      const op = opposites[condition.op as keyof typeof opposites];
      const opposite = { ...condition, op } as Condition;
      const both = [condition, opposite].map((one) => holds(one, hook, call));
      assert.notDeepEqual(both, [true, true]);
      const isOnBinary = condition.by === "binary" || condition.by === "parentBinary";
      const hasNone = isOnBinary && call.process.startsContainer === true;
      assert.equal(
        both.includes(true),
        !hasNone && (always.has(condition.by) || both.includes(true)),
      );
    }),
  );
});

test("a list holds when one of its values does; negated, when all of them do", () => {
  fc.assert(
    fc.property(anyCondition(args), anyCall([]), (condition, call) => {
      fc.pre("values" in condition && condition.by !== "namespaceChange");
      const single = condition.values.map((value) =>
        holds({ ...condition, values: [value] } as Condition, hook, call),
      );
      const negated = condition.op.startsWith("Not");
      const want = negated ? single.every(Boolean) : single.some(Boolean);
      assert.equal(holds(condition, hook, call), want);
    }),
  );
});

const twoSets = fc.tuple(anySelectorSet, anySelectorSet);
const names = ["a", "b"];

function named(sets: readonly SelectorSet[]): NamedSet[] {
  return sets.map((set, i) => ({ name: names[i]!, set }));
}

test("no policy changes what another does, but for what the call returns", () => {
  fc.assert(
    fc.property(twoSets, anyFollowState(names), anyCall(names), (sets, state, call) => {
      const [a, b] = named(sets) as [NamedSet, NamedSet];
      const together = decide([a, b], state, call);
      const alone = [...decide([a], state, call).outcomes, ...decide([b], state, call).outcomes];
      const isOverridden = alone.some(({ override }) => override !== undefined);
      // An override is what the call returns to all, and what is done then depends on it.
      // Policies share what is tracked: whom the event of a socket is about the other may have said.
      const entry = ({ returned, posted, returnSignals, stop, about: _, ...rest }: Outcome) =>
        isOverridden && returned !== undefined
          ? rest
          : { ...rest, returned, posted, returnSignals, stop };
      assert.deepEqual(together.outcomes.map(entry), alone.map(entry));
      const swapped = decide([b, a], state, call);
      assert.deepEqual(sorted(swapped.follows), sorted(together.follows));
    }),
  );
});

test("a selector after one that matches is never reached", () => {
  fc.assert(
    fc.property(anySelectorSet, anyFollowState(names), anyCall(names), (set, state, call) => {
      for (const { hook: i, selector } of decide(named([set]), state, call).outcomes) {
        const cut = set.hooks.map((one, j) =>
          j === i ? { ...one, selectors: one.selectors.slice(0, selector + 1) } : one,
        );
        const again = decide(named([{ ...set, hooks: cut }]), state, call).outcomes;
        assert.equal(again.find((one) => one.hook === i)?.selector, selector);
      }
    }),
  );
});

test("monitor mode and enforce mode match the same and differ only in what they stop", () => {
  fc.assert(
    fc.property(anySelectorSet, anyFollowState(names), anyCall(names), (set, state, call) => {
      const seen = (["enforce", "monitor"] as const).map((mode) =>
        decide(named([{ ...set, mode }]), state, call),
      );
      // What a call returns that was overridden is not what matchReturnArgs would be given otherwise;
      // and what is killed because its event cannot wait is reported, whatever the selector says.
      const isOverridden = seen[0]!.outcomes.some(({ override }) => override !== undefined);
      const mayDiffer = isOverridden || call.waitsNoMore === true;
      const facts = seen.map(({ outcomes }) =>
        outcomes.map(({ hook, selector, lastAction, posted }) => ({
          ...{ hook, selector, lastAction, posted: mayDiffer || posted },
        })),
      );
      assert.deepEqual(facts[0], facts[1]);
      assert.deepEqual(sorted(seen[0]!.follows), sorted(seen[1]!.follows));
      for (const { signals, override } of seen[1]!.outcomes) {
        assert.deepEqual([signals, override], [[], undefined]);
      }
    }),
  );
});

function sorted(state: FollowState): [string, number[]][] {
  return [...state].map(([set, ids]): [string, number[]] => [set, [...ids].sort()]).sort();
}

test("a hook that asks what its calls return acts before them, and reports those that return as asked", () => {
  const hook: Hook = {
    on: { kind: "kprobe", call: "sys_write", syscall: true },
    ...{ args: [], returned: { type: "int" } },
    selectors: [
      {
        conditions: [],
        actions: [{ action: "Signal", signal: 12 }],
        returned: [{ op: "NotEqual", values: ["-1"] }],
      },
    ],
  };
  const set: SelectorSet = {
    policy: { kind: "TracingPolicy", name: "p" },
    ...{ mode: "enforce", scope: { host: true }, hooks: [hook] },
  };
  const made = (returned?: bigint) =>
    decide(
      [{ name: "p", set }],
      nothing,
      aCall("sys_write", returned === undefined ? {} : { returned }),
    ).outcomes.map(({ posted, signals, returned: value }) => ({ posted, signals, value }));
  assert.deepEqual(made(5n), [{ posted: true, signals: [12], value: 5n }]);
  assert.deepEqual(made(0xffff_ffff_ffff_ffffn), [
    { posted: false, signals: [12], value: 0xffff_ffff_ffff_ffffn },
  ]);
  assert.deepEqual(made(), [{ posted: false, signals: [12], value: undefined }]);
});
