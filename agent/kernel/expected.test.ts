import assert from "node:assert/strict";
import { test } from "node:test";
import { type Expected, ReadBack } from "./expected.ts";
import type { Native } from "./native.ts";
import { u32 } from "./pinned-ids.ts";

/** A kernel that has these maps: value by key; and how many look-ups it was asked for. */
function aKernel(maps: readonly ReadonlyMap<number, number>[]) {
  const kernel = {
    lookups: 0,
    lookupMany: async (map: number, keys: Uint8Array) => {
      const asked = Array.from({ length: keys.length / 4 }, (_, i) =>
        maps[map]!.get(Buffer.from(keys).readUInt32LE(4 * i)),
      );
      kernel.lookups += asked.length;
      const found = Uint8Array.from(asked, (value) => (value === undefined ? 0 : 1));
      return { found, values: Buffer.concat(asked.map((value) => u32(value ?? 0))) };
    },
  };
  return kernel;
}

/** Ten to the power of its key for each entry. */
function anExpected(map: number, count: number, more: Partial<Expected> = {}): Expected {
  const common = { kind: "table", what: `map ${map}`, map, count } as const;
  return { ...common, key: u32, value: (index) => u32(10 ** index), ...more };
}
const as = (...values: readonly number[]) => new Map(values.entries());

function find(readBack: ReadBack, all: readonly Expected[]) {
  return readBack
    .find(all)
    .then((changed) =>
      changed.map(({ expected, gone }) => `${expected.what}${gone ? " gone" : ""}`),
    );
}

test("a map is other when a value differs, when one lacks, and when one is there that should not be", async () => {
  const kernel = aKernel([as(1, 10), as(1, 11), as(1), as(1)]);
  const all = [
    ...[0, 1, 2].map((map) => anExpected(map, 2)),
    anExpected(3, 1, { value: () => undefined }),
  ];
  const readBack = new ReadBack(kernel as unknown as Native, 100);
  assert.deepEqual(await find(readBack, all), ["map 1", "map 2", "map 3"]);
});

test("an entry that may end is told apart from one that was changed", async () => {
  const kernel = aKernel([as(1), as(2), new Map()]);
  const all = [0, 1, 2].map((map) => anExpected(map, 2, { mayEnd: () => true }));
  const readBack = new ReadBack(kernel as unknown as Native, 100);
  assert.deepEqual(await find(readBack, all), ["map 0 gone", "map 1", "map 2 gone"]);
});

test("a call reads so many entries at most, and calls go around", async () => {
  const kernel = aKernel([as(1, 10, 100), as(1, 10, 0), as(1, 10, 100)]);
  const all = [0, 1, 2].map((map) => anExpected(map, 3));
  const readBack = new ReadBack(kernel as unknown as Native, 4);
  const found: (readonly string[])[] = [];
  for (let i = 0; i < 9; i++) found.push(await find(readBack, all));
  assert.equal(kernel.lookups, 36);
  assert.equal(found.flat().length, 4); // of 36 look-ups of nine entries
});
