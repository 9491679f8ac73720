import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { MapSpec } from "../native.ts";
import {
  aMap,
  failure,
  hex,
  lookup,
  native,
  noPrealloc,
  skip,
  split,
  u32,
  u64,
  workspace,
} from "./testdata/fixture.ts";

const folder = workspace();

const shapes: readonly (MapSpec & { readonly key: Buffer })[] = [
  aMap({ type: "array", key: u32(3) }),
  aMap({ type: "hash", key: u32(77) }),
  aMap({ type: "lpm_trie", flags: noPrealloc, key: u32(16), keySize: 8 }),
];
for (const { key, ...spec } of shapes) {
  test(`a map of type ${spec.type} gives back what was written`, { skip }, () => {
    const fd = native.createMap(spec);
    const wide = Buffer.concat([key, Buffer.alloc(spec.keySize - key.length)]);
    native.update(fd, wide, u64(5n));
    assert.deepEqual(lookup(fd, wide), u64(5n));
    const { id, ...info } = native.mapInfo(fd);
    assert.ok(id > 0);
    assert.deepEqual(info, { name: "example", keySize: spec.keySize, valueSize: 8, maxEntries: 8 });
    native.closeFd(fd);
  });
}

test("a hash says what was absent, and takes flags", { skip }, () => {
  const fd = native.createMap(aMap({ type: "hash", maxEntries: 1 }));
  assert.equal(native.lookup(fd, u32(1), Buffer.alloc(8)), false);
  assert.equal(native.remove(fd, u32(1)), false);
  const absent = failure(() => native.update(fd, u32(1), u64(1n), 2));
  assert.equal(absent.message, "example: update: No such file or directory");
  native.update(fd, u32(1), u64(1n), 1);
  assert.equal(failure(() => native.update(fd, u32(1), u64(1n), 1)).code, "EEXIST");
  const full = failure(() => native.update(fd, u32(2), u64(1n)));
  assert.deepEqual([full.code, full.op, full.subject], ["E2BIG", "update", "example"]);
  assert.equal(native.remove(fd, u32(1)), true);
  assert.equal(native.keys(fd).length, 0);
  native.closeFd(fd);
  assert.equal(failure(() => native.mapInfo(fd)).code, "EBADFD");
});

test("many look-ups come back in the order of their keys, and say what is absent", {
  skip,
}, async () => {
  const fd = native.createMap(aMap({ type: "hash" }));
  native.update(fd, u32(1), u64(10n));
  native.update(fd, u32(3), u64(30n));
  const reading = native.lookupMany(fd, Buffer.concat([u32(3), u32(2), u32(1)]));
  native.closeFd(fd); // it reads on a descriptor of its own
  const { found, values } = await reading;
  assert.deepEqual([...found], [1, 0, 1]);
  assert.deepEqual(split(values, 8), [u64(30n), u64(0n), u64(10n)].map(hex));
  assert.equal(failure(() => void native.lookupMany(fd, u32(1))).code, "EBADFD");
});

test("what is frozen nobody changes, and everybody reads", { skip }, () => {
  const fd = native.createMap(aMap({ type: "hash" }));
  native.update(fd, u32(1), u64(10n));
  native.freeze(fd);
  assert.equal(failure(() => native.update(fd, u32(1), u64(2n))).code, "EPERM");
  assert.equal(failure(() => native.remove(fd, u32(1))).code, "EPERM");
  assert.deepEqual(lookup(fd, u32(1)), u64(10n));
  native.closeFd(fd);
});

for (const type of ["hash", "array", "lpm_trie"] as const) {
  test(`a batch of updates reaches a map of type ${type}`, { skip }, () => {
    const keySize = type === "lpm_trie" ? 8 : 4;
    const flags = type === "lpm_trie" ? noPrealloc : 0;
    const fd = native.createMap(aMap({ type, keySize, flags, maxEntries: 1000 }));
    const numbers = Array.from({ length: 1000 }, (_, i) => i);
    const keys = numbers.map((i) =>
      type === "lpm_trie" ? Buffer.concat([u32(32), u32(i)]) : u32(i),
    );
    const values = numbers.map((i) => u64(BigInt(i) * 3n));
    native.updateBatch(fd, Buffer.concat(keys), Buffer.concat(values), 1000);
    native.updateBatch(fd, Buffer.alloc(0), Buffer.alloc(0), 0);
    assert.deepEqual(split(native.keys(fd), keySize).sort(), keys.map(hex).sort());
    assert.deepEqual(lookup(fd, keys[999]!), u64(2997n));
    native.closeFd(fd);
  });
}

test("a per-CPU array has one padded value a possible CPU", { skip }, () => {
  const fd = native.createMap(aMap({ type: "percpu_array", valueSize: 4, maxEntries: 1 }));
  const values = Buffer.concat(
    Array.from({ length: native.possibleCpus() }, (_, i) => u64(BigInt(i + 1))),
  );
  native.update(fd, u32(0), values);
  assert.deepEqual(lookup(fd, u32(0), values.length), values);
  native.closeFd(fd);
});

test("a map of maps takes an inner map and tells its id", { skip }, () => {
  const inner = native.createMap(aMap({ type: "hash", name: "inner" }));
  const outer = native.createMap(aMap({ type: "array_of_maps", valueSize: 4, innerMapFd: inner }));
  native.update(outer, u32(1), u32(inner));
  assert.equal(lookup(outer, u32(1), 4).readUInt32LE(), native.mapInfo(inner).id);
  native.closeFd(outer);
  native.closeFd(inner);
});

test("task storage is keyed by pidfd", { skip }, () => {
  const fd = native.createMap(
    aMap({ type: "task_storage", flags: noPrealloc, maxEntries: 0, valueSize: 12 }),
  );
  const self = native.pidfdOpen(process.pid);
  const value = Buffer.from("hello world!");
  assert.equal(native.lookup(fd, u32(self), Buffer.alloc(12)), false);
  native.update(fd, u32(self), value);
  assert.deepEqual(lookup(fd, u32(self), 12), value);
  assert.equal(native.remove(fd, u32(self)), true);
  native.closeFd(self);
  native.closeFd(fd);
  assert.equal(
    failure(() => native.pidfdOpen(2 ** 30)).message,
    `pid ${2 ** 30}: pidfd_open: No such process`,
  );
});

test("buffers of another size than the map's are refused", { skip }, () => {
  const fd = native.createMap(aMap({ type: "hash" }));
  const calls: readonly [() => void, string][] = [
    [
      () => native.lookup(fd, u32(1), Buffer.alloc(4)),
      "example: lookup: Invalid argument; value has 4 bytes, the map wants 8",
    ],
    [
      () => native.update(fd, Buffer.alloc(0), u64(1n)),
      "example: update: Invalid argument; key has 0 bytes, the map wants 4",
    ],
    [
      () => native.updateBatch(fd, u32(1), u64(1n), 2),
      "example: update batch: Invalid argument; keys has 4 bytes, the map wants 8",
    ],
  ];
  for (const [call, message] of calls) assert.equal(failure(call).message, message);
  native.closeFd(fd);
});

test("a pinned map opens again, and is no link", { skip }, () => {
  const path = join(folder, "bpffs", "map");
  const fd = native.createMap(aMap({ type: "hash" }));
  const { id } = native.mapInfo(fd);
  native.pinMap(fd, path);
  assert.equal(failure(() => native.pinMap(fd, path)).code, "EEXIST");
  native.closeFd(fd);
  const again = native.openPinnedMap(path);
  assert.equal(native.mapInfo(again).id, id);
  native.closeFd(again);
  const link = failure(() => native.openPinnedLink(path));
  assert.equal(link.message, `${path}: open link: Invalid argument; is not a link`);
  rmSync(path);
  assert.equal(failure(() => native.openPinnedMap(path)).code, "ENOENT");
});
