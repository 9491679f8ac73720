import assert from "node:assert/strict";
import { test } from "node:test";
import { aSet, onWrite } from "../compile/testing/compiled.ts";
import { HookNumbers } from "./hook-numbers.ts";
import type { Native } from "./native.ts";

/** One map of the kernel, of `maxEntries` values of 56 bytes by numbers of 32 bits. */
function aMap(maxEntries: number) {
  const entries = new Map<number, Buffer>();
  const numberIn = (key: Uint8Array) => Buffer.from(key).readUInt32LE();
  const native = {
    mapInfo: () => ({ maxEntries }),
    keys: () => new Uint8Array(Uint32Array.from(entries.keys()).buffer),
    lookup: (_fd: number, key: Uint8Array, value: Uint8Array) => {
      const found = entries.get(numberIn(key));
      if (found !== undefined) value.set(found);
      return found !== undefined;
    },
    update: (_fd: number, key: Uint8Array, value: Uint8Array) => {
      entries.set(numberIn(key), Buffer.from(value));
    },
    remove: (_fd: number, key: Uint8Array) => entries.delete(numberIn(key)),
  } as unknown as Native;
  return { native, entries };
}

const hook = onWrite([]);

test("no two hooks have the same number, whatever is drawn, also after a restart", () => {
  const { native, entries } = aMap(8);
  const draws = [7, 7, 7, 8, 7, 8, 9];
  const drawn = () => draws.shift()!;
  const [a, b] = [aSet("a", hook, hook), aSet("b", hook)];
  const first = new HookNumbers(native, 1, drawn);
  assert.deepEqual([first.ensure(a), first.ensure(b)], [true, true]);
  const numbers = [first.of({ set: a, index: 0 }), first.of({ set: a, index: 1 })];
  assert.deepEqual([...numbers, first.of({ set: b, index: 0 })], [7, 8, 9]);
  assert.deepEqual([...entries.keys()], [7, 8, 9]);
  const next = new HookNumbers(native, 1, () => assert.fail("no other is drawn"));
  const same = { ...a };
  assert.ok(next.ensure(same));
  assert.deepEqual(
    [0, 1].map((index) => next.of({ set: same, index })),
    [7, 8],
  );
});

test("another content of a set has other numbers, and those that nobody keeps are given again", () => {
  const { native, entries } = aMap(2);
  const numbers = new HookNumbers(native, 1);
  const [before, edited, third] = ["1", "2", "3"].map((hash) => ({ ...aSet("a", hook), hash }));
  assert.deepEqual(
    [before, edited, third].map((set) => numbers.ensure(set!)),
    [true, true, false],
  );
  const kept = numbers.of({ set: edited!, index: 0 });
  assert.notEqual(kept, numbers.of({ set: before!, index: 0 }));
  numbers.release(new Set([kept]));
  assert.deepEqual([...entries.keys()], [kept]);
  assert.ok(numbers.ensure(third!));
});
