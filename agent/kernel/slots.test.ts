import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { native, skip, u32 } from "./native/testdata/fixture.ts";
import { ArraySlots, innerMap, SlotChanges, Slots } from "./slots.ts";

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

test("an array of the same length is written in place, one of another takes its place", {
  skip,
}, (t) => {
  const outer = anOuter(t);
  const arrays = new ArraySlots(native, outer, "gb_test");
  t.after(() => arrays.close());
  const changes = new SlotChanges(native);
  const write = (slot: number, ...values: number[]) => {
    const fd = arrays.write(slot, values.map(u32), { valueSize: 4, changes });
    changes.make();
    return fd;
  };
  const read = (fd: number) =>
    [0, 1].map((at) => {
      const value = Buffer.alloc(4);
      return native.lookup(fd, u32(at), value) ? value.readUInt32LE() : undefined;
    });
  const first = write(0, 7, 8);
  const [id, other] = [native.mapInfo(first).id, native.mapInfo(write(1, 1, 2)).id];
  assert.deepEqual([idIn(outer, 0), idIn(outer, 1)], [id, other]);
  assert.deepEqual(read(write(0, 9, 10)), [9, 10]);
  assert.equal(idIn(outer, 0), id);
  assert.deepEqual(read(write(0, 11)), [11, undefined]);
  assert.notEqual(idIn(outer, 0), id);
  assert.equal(idIn(outer, 1), other);
});

test("an array that could not be put in a slot is not written in its place", { skip }, (t) => {
  const outer = anOuter(t);
  let fails = true;
  const update: typeof native.update = (fd, ...rest) => {
    if (fails && fd === outer) throw new Error("no memory");
    native.update(fd, ...rest);
  };
  const changeSlots: typeof native.changeSlots = (changes) =>
    fails ? changes.map(() => false) : native.changeSlots(changes);
  const failing = { ...native, update, changeSlots };
  const arrays = new ArraySlots(failing, outer, "gb_test");
  t.after(() => arrays.close());
  const changes = new SlotChanges(failing);
  const write = () => arrays.write(0, [u32(7)], { valueSize: 4, changes });
  write();
  assert.throws(() => changes.make(), /no memory/);
  fails = false;
  const { id } = native.mapInfo(write());
  changes.make();
  assert.equal(idIn(outer, 0), id);
});

test("a slot is cleared of what an earlier agent left there, and again of what was put", {
  skip,
}, (t) => {
  const outer = anOuter(t);
  const inner = native.createMap({ ...spec, type: "array", flags: innerMap });
  t.after(() => native.closeFd(inner));
  const changes = new SlotChanges(native);
  const put = { changes, settle: () => undefined };
  new Slots(native, outer, { fresh: true }).put(1, inner, put);
  const slots = new Slots(native, outer, { fresh: false });
  for (let round = 0; round < 2; round++) {
    slots.clear(0, changes);
    slots.clear(1, changes);
    changes.make();
    assert.deepEqual([idIn(outer, 0), idIn(outer, 1)], [undefined, undefined]);
    slots.put(1, inner, put);
    changes.make();
    assert.equal(idIn(outer, 1), native.mapInfo(inner).id);
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
