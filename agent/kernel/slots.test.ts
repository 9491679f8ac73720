import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { native, skip, u32 } from "./native/testdata/fixture.ts";
import { innerMap, SlotChanges, Slots } from "./slots.ts";

const spec = { name: "gb_test", keySize: 4, valueSize: 4, maxEntries: 2 };

/** A map of maps with two slots, closed after the test. */
function anOuter(t: TestContext): number {
  const inner = native.createMap({ ...spec, type: "array", flags: innerMap });
  const outer = native.createMap({ ...spec, type: "array_of_maps", innerMapFd: inner });
  native.closeFd(inner);
  t.after(() => native.closeFd(outer));
  return outer;
}

/** The id of the map in a slot. */
function idIn(outer: number, slot: number): number | undefined {
  const value = Buffer.alloc(4);
  return native.lookup(outer, u32(slot), value) ? value.readUInt32LE() : undefined;
}

const array = { ...spec, type: "array", flags: innerMap } as const;
const entry = { key: u32(0), value: u32(2) };

/** Slots of a new map of maps, and how to make changes of them. */
function someSlots(t: TestContext, using = native) {
  const outer = anOuter(t);
  const slots = new Slots(using, outer, { fresh: false });
  t.after(() => slots.close());
  const changes = new SlotChanges(using);
  const fill = (slot: number, ...values: number[]) => {
    slots.fillArray(slot, values.map(u32), { shape: array, changes });
    changes.make();
  };
  return { outer, slots, changes, fill };
}

const isOpen = (fd: number) => {
  try {
    native.mapInfo(fd);
    return true;
  } catch {
    return false;
  }
};

test("a slot has a new array each time, which is open as long as a slot has it", { skip }, (t) => {
  const { outer, slots, changes, fill } = someSlots(t);
  const read = (slot: number) => {
    const { fd, values } = slots.expectedArray(slot)!;
    const there = values.map((_, at) => {
      const value = Buffer.alloc(4);
      return native.lookup(fd, u32(at), value) ? value.readUInt32LE() : undefined;
    });
    assert.deepEqual(values.map(u32In), there);
    return there;
  };
  const u32In = (value: Uint8Array) => Buffer.from(value).readUInt32LE();
  fill(0, 7, 8);
  const first = { id: idIn(outer, 0), fd: slots.expectedArray(0)!.fd };
  slots.share(1, changes);
  changes.make();
  assert.equal(idIn(outer, 1), first.id);
  slots.set(1, 0, u32(9));
  assert.deepEqual(
    [read(0), read(1)],
    [
      [9, 8],
      [9, 8],
    ],
  ); // the same one
  fill(0, 11);
  assert.deepEqual([read(0), read(1)], [[11], [9, 8]]);
  assert.notEqual(idIn(outer, 0), first.id);
  assert.equal(isOpen(first.fd), true);
  slots.share(1, changes);
  changes.make();
  assert.equal(isOpen(first.fd), false);
  const { fd } = slots.expectedArray(1)!;
  slots.close();
  assert.equal(isOpen(fd), false);
});

test("a map that could not be put in a slot is closed, and what the slot has stays", {
  skip,
}, (t) => {
  let fails = false;
  const made: number[] = [];
  const failing = {
    ...native,
    createMap: (of: Parameters<typeof native.createMap>[0]) => {
      made.push(native.createMap(of));
      return made.at(-1)!;
    },
    update: (...args: Parameters<typeof native.update>) => {
      if (fails) throw new Error("no memory");
      native.update(...args);
    },
    changeSlots: (some: Parameters<typeof native.changeSlots>[0]) =>
      fails ? some.map(() => false) : native.changeSlots(some),
  };
  const { outer, slots, changes, fill } = someSlots(t, failing);
  fill(0, 7);
  const id = idIn(outer, 0);
  fails = true;
  assert.throws(() => fill(0, 8), /no memory/);
  slots.share(1, changes);
  assert.throws(() => changes.make(), /no memory/);
  assert.deepEqual(made.map(isOpen), [true, false]);
  assert.deepEqual([idIn(outer, 0), idIn(outer, 1)], [id, undefined]);
  assert.deepEqual(slots.expected(0), u32(id!));
});

test("a slot is cleared of what an earlier agent left there, and again of what was put", {
  skip,
}, (t) => {
  const { outer, slots, changes } = someSlots(t);
  const before = new Slots(native, outer, { fresh: true });
  before.fill(1, [entry], { shape: array, changes });
  changes.make();
  before.close();
  for (let round = 0; round < 2; round++) {
    slots.fill(0, [], { shape: array, changes });
    slots.clear(1, changes);
    changes.make();
    assert.deepEqual([idIn(outer, 0), idIn(outer, 1)], [undefined, undefined]);
    slots.fill(1, [entry], { shape: array, changes });
    changes.make();
    assert.deepEqual(u32(idIn(outer, 1)!), slots.expected(1));
    slots.share(0, changes);
    changes.make();
    assert.equal(idIn(outer, 0), idIn(outer, 1));
  }
});

test("changes are made together, each is told whether it was, and the first refusal is thrown", {
  skip,
}, (t) => {
  const outer = anOuter(t);
  const inner = native.createMap({ ...spec, type: "array", flags: innerMap });
  t.after(() => native.closeFd(inner));
  const changes = new SlotChanges(native);
  const told: [string, boolean][] = [];
  const add = (name: string, slot: number, map?: number) =>
    changes.add({
      ...{ map: outer, slot, ...(map === undefined ? {} : { inner: map }) },
      settle: (made) => told.push([name, made]),
    });
  add("there is no such slot", 2, inner);
  add("put", 1, inner);
  add("nothing to remove", 0);
  assert.throws(() => changes.make(), { code: "E2BIG" });
  add("given up", 0, inner);
  changes.abandon();
  assert.deepEqual(told, [
    ["there is no such slot", false],
    ["put", true],
    ["nothing to remove", true],
    ["given up", false],
  ]);
  assert.deepEqual([idIn(outer, 0), idIn(outer, 1)], [undefined, native.mapInfo(inner).id]);
});
