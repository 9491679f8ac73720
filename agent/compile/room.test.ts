import assert from "node:assert/strict";
import { test } from "node:test";
import type { Arg, Hook, Selector } from "@guardbee/policy";
import fc from "fast-check";
import type { NamedSet } from "../engine.ts";
import { enums } from "../gen/layout.ts";
import { needsOf } from "./needs.ts";
import { plan } from "./plan.ts";
import { nodeLimits } from "./resources.ts";
import { type InForce, roomFor } from "./room.ts";
import { compile } from "./tables.ts";
import { ableKernel, aSet, nothingShared, onWrite, when } from "./testing/compiled.ts";

/** The set of a policy of namespace `namespace`. */
function inNamespace(namespace: string, name: string, ...hooks: readonly Hook[]): NamedSet {
  const { set, hash } = aSet(name, ...hooks);
  const policy = { kind: "TracingPolicyNamespaced", namespace, name } as const;
  return { name: `${namespace}.${name}`, hash, set: { ...set, policy } };
}

/** Selectors that one attach point takes; so many times the 1,024 that the numbers here are about. */
const limit = enums.engine_limit.WORDS_MAX * 64;
const k = limit / 1024;

const pointsOf = (sets: readonly NamedSet[]) => plan(sets, ableKernel).points;

function inForce(...sets: readonly NamedSet[]): InForce {
  const needs = needsOf(pointsOf(sets));
  return new Map(sets.map(({ name, hash }) => [name, { hash, needs: needs.get(name)! }]));
}

function refused(sets: readonly NamedSet[], before: readonly NamedSet[] = []): readonly string[] {
  return [...roomFor(pointsOf(sets), inForce(...before)).keys()].sort();
}

const selectors = (count: number): Hook =>
  onWrite([], ...Array.from({ length: count }, () => when()));

/** Compares `count` readings of write(2), from the `first` of 60 that there are. */
function comparing(first: number, count: number): Hook {
  const types = ["int", "uint32", "int64", "uint64", "size_t", "fd", "file"] as const;
  const read = (n: number): Arg => {
    const type = types[Math.floor(n / 5)];
    if (type !== undefined) return { index: n % 5, type };
    return { index: n % 5, type: "char_buf", sizeArgIndex: Math.floor(n / 5) - types.length + 1 };
  };
  const args = Array.from({ length: count }, (_, i) => read(first + i));
  const one = (arg: number) => ({ by: "arg", arg, op: "Equal", values: ["1"] }) as const;
  return onWrite(args, when(...args.map((_, i) => one(i))));
}

/** The same of more than a hook has arguments. */
const comparingAll = (first: number, count: number): readonly Hook[] =>
  Array.from({ length: Math.ceil(count / 4) }, (_, i) =>
    comparing(first + 4 * i, Math.min(4, count - 4 * i)),
  );

const testing = (first: number, count: number): Hook =>
  onWrite(
    [],
    ...Array.from({ length: count }, (_, i) =>
      when({
        ...{ by: "capability", op: "In", set: "effective", userNamespace: "any" },
        values: [first + i],
      }),
    ),
  );

const following: Hook = {
  on: { kind: "kprobe", call: "fd_install", syscall: false },
  args: [
    { index: 0, type: "int" },
    { index: 1, type: "file" },
  ],
  selectors: [{ conditions: [], actions: [{ action: "FollowFD", fd: 0, name: 1 }] }],
};
const followers = Array.from({ length: 64 }, (_, i) => inNamespace("evil", `f${i}`, following));

const crowded: readonly {
  readonly name: string;
  readonly theirs: readonly NamedSet[];
  readonly mine: Hook;
}[] = [
  {
    name: "all selectors",
    theirs: [inNamespace("evil", "p", selectors(limit))],
    mine: selectors(1),
  },
  {
    name: "32 compared properties",
    theirs: [inNamespace("evil", "p", ...comparingAll(0, 32))],
    mine: comparing(50, 2),
  },
  {
    name: "32 capability tests",
    theirs: [inNamespace("evil", "p", testing(0, 32))],
    mine: testing(33, 1),
  },
  { name: "64 followers", theirs: followers, mine: following },
];
for (const { name, theirs, mine } of crowded) {
  test(`a namespace with ${name} in force makes room for a cluster policy, new or edited`, () => {
    const cluster = aSet("zzz", mine);
    const without = roomFor(pointsOf(theirs), new Map());
    assert.deepEqual([...without], []);
    const now = refused([...theirs, cluster], theirs);
    assert.equal(now.length, 1, "no more gives way than must");
    assert.ok(now[0]!.startsWith("evil."));
    const before = aSet("zzz", following);
    assert.deepEqual(refused([...theirs, cluster], [...theirs, before]), now);
    assert.deepEqual(refused([...theirs, cluster], [cluster]), now, "and stays so");
  });
}

test("a refusal for lack of room has the limit and who holds how much, and names no other namespace", () => {
  const sets = [
    aSet("c", selectors(500 * k)),
    ...["a", "b", "d", "e"].map((one) => inNamespace(one, "p", selectors(100 * k))),
    inNamespace("f", "0", selectors(20 * k)),
    inNamespace("f", "p", selectors(200 * k)),
  ];
  assert.deepEqual(Object.fromEntries(roomFor(pointsOf(sets), new Map())), {
    "f.p": {
      reason: "NoRoom",
      message: `__x64_sys_write: no room for ${200 * k} more selectors: the engine takes ${limit} on one attach point, in use are ${500 * k} by cluster policies, ${20 * k} by its namespace, ${400 * k} by others; write fewer in one of those`,
    },
  });
});

test("a policy that is too much by itself says so, whoever else is there", () => {
  const sets = [aSet("c", selectors(500 * k)), inNamespace("f", "p", selectors(limit + 1))];
  assert.deepEqual(Object.fromEntries(roomFor(pointsOf(sets), new Map())), {
    "f.p": {
      reason: "LimitExceeded",
      message: `__x64_sys_write: ${limit + 1} selectors; the engine takes ${limit} on one attach point`,
    },
  });
});

test("what a RegoPolicy of the cluster generates for a namespace is the cluster's, and no tenant's", () => {
  const generated = (of: string): NamedSet => {
    const set = inNamespace("z", "p", selectors(600 * k));
    return { ...set, name: `${of}#tracingpolicynamespaced.z.p` };
  };
  const small = inNamespace("a", "p", selectors(500 * k));
  assert.deepEqual(refused([small, generated("regopolicy.all")], [small]), ["a.p"]);
  const tenants = generated("regopolicynamespaced.z.all");
  assert.deepEqual(refused([small, tenants], [tenants]), [tenants.name]);
});

test("hooks, attach points, values and executables of a node are limited", () => {
  const called = (count: number): Hook[] =>
    Array.from({ length: count }, (_, i) => ({
      ...selectors(1),
      on: { kind: "kprobe", call: `f${i}`, syscall: false },
    }));
  const listing = (by: "binary" | "pid", count: number): Hook =>
    onWrite(
      [],
      by === "binary"
        ? when({ by, op: "In", values: Array.from({ length: count }, (_, i) => `/${i}`) })
        : when({
            ...{ by, op: "In", inNamespace: false, followForks: false },
            values: Array.from({ length: count }, (_, i) => i),
          }),
    );
  const { attachPoints, hooks, values, executables } = nodeLimits;
  const of = (...hooks: readonly Hook[]) => refused([aSet("p", ...hooks)]);
  assert.deepEqual(of(...called(attachPoints)), []);
  assert.deepEqual(of(...called(attachPoints + 1)), ["p"]);
  const many = Array.from({ length: hooks / 256 }, () => called(256)).flat();
  assert.deepEqual(of(...many), []);
  assert.deepEqual(of(...many, ...called(1)), ["p"]);
  assert.deepEqual(of(listing("pid", values)), []);
  assert.deepEqual(of(listing("pid", values), listing("pid", 1)), ["p"]);
  assert.deepEqual(of(listing("binary", executables), listing("binary", 2)), []);
  assert.deepEqual(of(listing("binary", executables + 1)), ["p"]);
});

test("a cluster policy finds no room for other cluster policies alone", () => {
  const sets = [
    aSet("a", selectors(500 * k)),
    aSet("b", selectors(600 * k)),
    inNamespace("f", "p", following),
  ];
  assert.deepEqual(Object.fromEntries(roomFor(pointsOf(sets), new Map())), {
    b: {
      reason: "NoRoom",
      message: `__x64_sys_write: no room for ${600 * k} more selectors: the engine takes ${limit} on one attach point, in use are ${500 * k} by cluster policies; write fewer in one of those`,
    },
  });
});

test("among cluster policies, what is in force stays, edited or not, before what is new", () => {
  const [a, b] = [aSet("a", selectors(600 * k)), aSet("b", selectors(600 * k))];
  assert.deepEqual(refused([a, b]), ["b"]);
  assert.deepEqual(refused([a, b], [b]), ["a"]);
  const edited = aSet("b", { ...selectors(599 * k), message: "edited" });
  assert.deepEqual(refused([a, edited], [b]), ["a"]);
});

test("an edit that needs more gives way to what is in force and needs no more", () => {
  const before = [aSet("a", selectors(500 * k)), aSet("b", selectors(500 * k))];
  assert.deepEqual(refused([aSet("a", selectors(525 * k)), before[1]!], before), ["a"]);
  assert.deepEqual(refused([aSet("a", selectors(524 * k)), before[1]!], before), []);
  const newcomer = aSet("0", selectors(24 * k));
  assert.deepEqual(refused([aSet("a", selectors(524 * k)), before[1]!, newcomer], before), ["0"]);
});

test("a namespace that fills an attach point gives way to one that asks for little", () => {
  const hog = Array.from({ length: 16 }, (_, i) =>
    inNamespace("hog", `p${i + 10}`, selectors(64 * k)),
  );
  const modest = inNamespace("modest", "z", selectors(10 * k));
  assert.deepEqual(refused([...hog, modest], hog), ["hog.p25"]);
  assert.deepEqual(refused([inNamespace("hog", "p", selectors(limit)), modest]), ["hog.p"]);
});

test("among namespaces that hold the same, what is in force stays, whatever names sort first", () => {
  const [early, late] = [
    inNamespace("a", "p", selectors(600 * k)),
    inNamespace("z", "p", selectors(600 * k)),
  ];
  assert.deepEqual(refused([early, late]), ["z.p"]);
  assert.deepEqual(refused([early, late], [late]), ["a.p"]);
});

test("what a cluster policy reads anyway costs a namespace nothing", () => {
  const cluster = aSet("c", ...comparingAll(0, 28));
  const same = inNamespace("a", "p", ...comparingAll(0, 28));
  const [b, d] = [inNamespace("b", "p", comparing(30, 3)), inNamespace("d", "p", comparing(40, 2))];
  assert.deepEqual(refused([cluster, same, b, d]), ["b.p"]);
});

const someHook = fc.oneof(
  fc.integer({ min: 1, max: 700 }).map(selectors),
  fc.tuple(fc.nat(55), fc.integer({ min: 1, max: 5 })).map(([first, n]) => comparing(first, n)),
  fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 20 })).map(([first, n]) => testing(first, n)),
  fc.constant(following),
);
const someSets = fc
  .array(
    fc.record({
      namespace: fc.constantFrom("", "", "a", "b", "c"),
      hooks: fc.array(someHook, { minLength: 1, maxLength: 2 }),
    }),
    { maxLength: 10 },
  )
  .map((all) =>
    all.map(({ namespace, hooks }, i) =>
      namespace === "" ? aSet(`p${i}`, ...hooks) : inNamespace(namespace, `p${i}`, ...hooks),
    ),
  );
const isCluster = ({ set }: NamedSet) => set.policy.namespace === undefined;

test("whatever is asked for, what is left fits, and what was chosen stays chosen", () => {
  fc.assert(
    fc.property(someSets, someSets, (sets, before) => {
      const gone = new Set(refused(sets, before));
      const left = sets.filter(({ name }) => !gone.has(name));
      for (const point of pointsOf(left)) {
        compile(point, { ...nothingShared, followGroups: new Map() });
      }
      assert.deepEqual(refused(sets, left), [...gone].sort());
      assert.deepEqual(refused(left, left), []);
      const alone = refused(sets.filter(isCluster), before);
      const ofCluster = sets.filter((set) => isCluster(set) && gone.has(set.name));
      assert.deepEqual(ofCluster.map(({ name }) => name).sort(), alone);
    }),
    { numRuns: 300 },
  );
});

test("a namespace that asks for no more than its even share is never refused", () => {
  fc.assert(
    fc.property(someSets, fc.integer({ min: 1, max: 4 }), (sets, parts) => {
      // a, b, c and this one: a quarter of what cluster policies leave.
      const cluster = sets.filter((set) => isCluster(set) && set.set.hooks.length === 1);
      const used = needsOf(
        pointsOf(cluster.filter(({ name }) => !refused(cluster).includes(name))),
      );
      const held = [...used.values()].reduce((sum, needs) => {
        const need = [...needs].find(([key]) => key.endsWith(" selectors"));
        return sum + Number(need?.[1].amount ?? 0);
      }, 0);
      const share = Math.floor((enums.engine_limit.WORDS_MAX * 64 - held) / 4 / parts);
      fc.pre(share > 0);
      const modest: Selector[] = Array.from({ length: share }, () => when());
      const mine = Array.from({ length: parts }, (_, i) =>
        inNamespace("modest", `m${i}`, onWrite([], ...modest)),
      );
      const others = sets.filter((set) => !isCluster(set));
      const gone = refused([...cluster, ...others, ...mine], [...cluster, ...others]);
      assert.deepEqual(
        gone.filter((name) => name.startsWith("modest.")),
        [],
      );
    }),
    { numRuns: 200 },
  );
});

test("a set that yields keeps out no other, be it in force and the other new", () => {
  const local: NamedSet = { ...aSet("a", selectors(600 * k)), yields: true };
  const others = [aSet("z", selectors(500 * k)), inNamespace("web", "z", selectors(500 * k))];
  assert.deepEqual(refused([local]), []);
  assert.deepEqual(refused([local, ...others], [local]), ["a"]);
});
