import assert from "node:assert/strict";
import { test } from "node:test";
import type { Scopes } from "../engine.ts";
import { enums, layout } from "../gen/layout.ts";
import { read } from "../layout/struct.ts";
import type { Native } from "./native.ts";
import type { PinnedIds } from "./pinned-ids.ts";
import { ScopeClasses } from "./scope-classes.ts";

test("a table that is full holds up no cgroup that is in it, and names those that are not", () => {
  const table = new Map<bigint, number>([
    [3n, 9],
    [4n, 9],
  ]);
  const full = () => Object.assign(new Error("update: E2BIG"), { code: "E2BIG" });
  const idOf = (key: Uint8Array) => Buffer.from(key).readBigUInt64LE();
  const native = {
    updateBatch: () => {
      throw full(); // at the first new key, whatever is behind it
    },
    update: (_fd: number, key: Uint8Array, value: Uint8Array) => {
      if (!table.has(idOf(key))) throw full();
      table.set(idOf(key), Buffer.from(value).readUInt32LE());
    },
  } as unknown as Native;
  const ids = { ensure: (name: string) => (name === "a" ? 1 : 2) } as unknown as PinnedIds;
  const classes = new ScopeClasses(native, ids, 0, 1);
  const failed = classes.assign({
    host: [],
    podRoots: [],
    unknownPods: [],
    cgroups: [1n, 2n, 3n, 4n].map((id) => ({ id, sets: [id === 3n ? "a" : "b"] })),
  });
  assert.deepEqual(
    [...failed],
    [
      [1n, "E2BIG"],
      [2n, "E2BIG"],
    ],
  );
  assert.deepEqual(
    [...table],
    [
      [3n, 1],
      [4n, 2],
    ],
  );
});

const { PLACE_ROOT, PLACE_ANYWHERE } = enums.scope_place;
const { SCOPE_UNKNOWN_POD } = enums.scope_class;
const root = { id: 7n, level: 2 };
const nowhere: Scopes = { host: [], podRoots: [], unknownPods: [], cgroups: [] };

const placed: readonly { name: string; scopes: Partial<Scopes>; want: object | undefined }[] = [
  {
    name: "one folder of pods",
    scopes: { podRoots: [root] },
    want: { root: 7n, level: 2, place: PLACE_ROOT },
  },
  {
    name: "one folder of pods, and those of QoS classes in it",
    scopes: { podRoots: [{ ...root, qosFolders: [8n, 9n] }] },
    want: { root: 7n, level: 2, place: PLACE_ROOT },
  },
  {
    name: "a folder that is nobody knows how deep",
    scopes: { podRoots: [{ id: 7n }] },
    want: { root: 0n, level: 0, place: PLACE_ANYWHERE },
  },
  {
    name: "two folders",
    scopes: { podRoots: [root, { id: 8n, level: 1 }] },
    want: { root: 0n, level: 0, place: PLACE_ANYWHERE },
  },
  {
    name: "cgroups alone",
    scopes: { cgroups: [{ id: 9n, sets: [] }] },
    want: { root: 0n, level: 0, place: PLACE_ANYWHERE },
  },
  { name: "none", scopes: {}, want: undefined },
];
for (const { name, scopes, want } of placed) {
  test(`the kernel is told where pods are: ${name}`, () => {
    const [table, states] = [new Map<bigint, number>(), [] as Uint8Array[]];
    const native = {
      update: (_fd: number, _key: Uint8Array, value: Uint8Array) => states.push(value.slice()),
      updateBatch: (_fd: number, keys: Uint8Array, values: Uint8Array) => {
        const [ids, numbers] = [new BigUint64Array(keys.buffer), new Uint32Array(values.buffer)];
        for (const [i, id] of ids.entries()) table.set(id, numbers[i]!);
      },
    } as unknown as Native;
    const classes = new ScopeClasses(native, {} as PinnedIds, 0, 1);
    classes.enterRoots({ ...nowhere, ...scopes });
    const wrote = states.map((bytes) => read(bytes, layout.scope_state));
    assert.deepEqual(wrote.at(-1), want);
    assert.ok(wrote.slice(0, -1).every(({ place }) => place === PLACE_ANYWHERE));
    assert.deepEqual(
      [...table.keys()],
      (scopes.podRoots ?? []).flatMap(({ id, qosFolders = [] }) => [id, ...qosFolders]),
    );
    assert.ok([...table.values()].every((number) => number === SCOPE_UNKNOWN_POD));
    states.length = 0;
    classes.enterRoots({ ...nowhere, ...scopes });
    classes.enterRoots(nowhere);
    assert.deepEqual(states, [], "and told once, also when its folders are gone");
  });
}
