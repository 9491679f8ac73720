import assert from "node:assert/strict";
import { test } from "node:test";
import type { Native } from "./native.ts";
import type { PinnedIds } from "./pinned-ids.ts";
import { ScopeClasses } from "./scope-classes.ts";

test("a table that is full holds up no cgroup that is in it, and names those that are not", () => {
  const table = new Map<bigint, number>([
    [3n, 9],
    [4n, 9],
  ]);
  const stateFd = 1;
  const states: number[][] = [];
  const full = () => Object.assign(new Error("update: E2BIG"), { code: "E2BIG" });
  const idOf = (key: Uint8Array) => Buffer.from(key).readBigUInt64LE();
  const native = {
    updateBatch: () => {
      throw full(); // at the first new key, whatever is behind it
    },
    update: (fd: number, key: Uint8Array, value: Uint8Array) => {
      if (fd === stateFd) {
        states.push([...value]);
        return;
      }
      if (!table.has(idOf(key))) throw full();
      table.set(idOf(key), Buffer.from(value).readUInt32LE());
    },
  } as unknown as Native;
  const ids = { ensure: (name: string) => (name === "a" ? 1 : 2) } as unknown as PinnedIds;
  const classes = new ScopeClasses(native, ids, 0, stateFd);
  const failed = classes.assign({
    host: [],
    podRoots: [{ id: 1n, sets: ["a"] }],
    cgroups: [2n, 3n, 4n].map((id) => ({ id, sets: [id === 3n ? "a" : "b"] })),
  });
  assert.deepEqual(
    [...failed],
    [
      [1n, "E2BIG"],
      [2n, "E2BIG"],
    ],
  );
  assert.deepEqual(states, [[1, 0, 0, 0, 0, 0, 0, 0]], "the kernel looks above from now on");
  assert.deepEqual(
    [...table],
    [
      [3n, 1],
      [4n, 2],
    ],
  );
});
