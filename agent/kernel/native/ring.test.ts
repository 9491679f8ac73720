import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import type { BpfObject } from "../native.ts";
import {
  aMap,
  failure,
  native,
  open,
  prepare,
  read,
  skip,
  split,
  u32,
  workspace,
} from "./testdata/fixture.ts";

const events = join(workspace(), "events.bpf.o");

test("every record of every exec comes through the ring in order", { skip }, async () => {
  const object = open(events, { repeat: 100 });
  const link = object.attach("on_exec");
  const ring = openRing(object);
  const children = Array.from({ length: 60 }, () => promisify(execFile)("/bin/true").child);
  await ring.has(6000);
  await ring.reader.close();
  const wanted = children.flatMap(({ pid }) =>
    Array.from({ length: 100 }, (_, i) => `${pid} ${i}`),
  );
  assert.deepEqual(ring.records.toSorted(), wanted.toSorted());
  for (const { pid } of children) {
    const own = ring.records.filter((record) => record.startsWith(`${pid} `));
    assert.deepEqual(
      own,
      Array.from({ length: 100 }, (_, i) => `${pid} ${i}`),
    );
  }
  assert.equal(lost(object), 0n);
  link.detach();
  object.close();
});

test("a ring that JS is too slow for loses in the kernel, and only what is counted", {
  skip,
}, async () => {
  const object = open(events, { repeat: 1000 });
  const link = object.attach("on_exec");
  const ring = openRing(object);
  const execs = 600; // 24 MB of records; the reader holds 8 MB
  for (let i = 0; i < execs; i++) spawnSync("/bin/true");
  const missed = Number(lost(object));
  await ring.has(execs * 1000 - missed);
  await ring.reader.close();
  assert.equal(ring.records.length, execs * 1000 - missed);
  assert.ok(missed > 0);
  assert.ok(Math.max(...ring.batches) <= 16 * 1024 + 32);
  link.detach();
  object.close();
});

test("of a ring of 4 MiB less than a tenth is in this process's memory", { skip }, async () => {
  const object = prepare(events, { repeat: 1000 });
  object.resizeMap("events", { maxEntries: 4 << 20 });
  object.load();
  const link = object.attach("on_exec");
  const before = mappedBytes();
  const ring = openRing(object);
  for (let i = 0; i < 200; i++) {
    spawnSync("/bin/true");
    await ring.has(1000 * i); // 40 bytes each: in all nearly twice what it holds
  }
  assert.ok(mappedBytes() - before < 400_000);
  await ring.reader.close();
  assert.equal(mappedBytes(), before);
  link.detach();
  object.close();
});

test("a closed ring calls no more, and another takes up where it ended", { skip }, async () => {
  const object = open(events);
  const link = object.attach("on_exec");
  const first = openRing(object);
  spawnSync("/bin/true");
  await first.has(1);
  const closed = first.reader.close();
  assert.equal(first.reader.close(), closed);
  await closed;
  spawnSync("/bin/true");
  const second = openRing(object);
  await second.has(1);
  assert.equal(first.records.length, 1);
  assert.equal(second.records.length, 1);
  await second.reader.close();
  link.detach();
  object.close();
});

test("the end comes when what was in the ring by then is read", { skip }, async () => {
  const object = open(events, { repeat: 1000 });
  const link = object.attach("on_exec");
  spawnSync("/bin/true");
  const ring = openRing(object);
  ring.reader.end();
  await ring.reading;
  assert.equal(ring.records.length, 1000);
  assert.equal(await ring.reader.read(), undefined);
  await ring.reader.close();
  assert.equal(await ring.reader.read(), undefined);
  link.detach();
  object.close();
});

test("a read that waits ends with the reader, and a second one at once is refused", {
  skip,
}, async () => {
  const object = open(events);
  const reader = native.openRings(object.mapFd("events"));
  const read = reader.read();
  assert.throws(() => reader.read(), { message: "a read is under way" });
  await reader.close();
  assert.equal(await read, undefined);
  object.close();
});

test("a ring of another type of map is refused", { skip }, () => {
  const fd = native.createMap(aMap({ type: "hash" }));
  const error = failure(() => native.openRings(fd));
  assert.deepEqual([error.code, error.op], ["EINVAL", "open ring"]);
  native.closeFd(fd);
});

const endings = [
  { name: "the process exits", ending: "exit", status: 7 },
  { name: "its receiver throws", ending: "throw", status: 8 },
  { name: "its worker is terminated", ending: "terminate", status: 9 },
] as const;
for (const { name, ending, status } of endings) {
  test(`an open ring ends cleanly when ${name}`, { skip }, () => {
    const script = join(import.meta.dirname, "testdata/ending.ts");
    const child = spawnSync(process.execPath, [script, events, ending], { encoding: "utf8" });
    assert.deepEqual([child.status, child.signal, child.stderr], [status, null, ""]);
  });
}

/** A reader whose records are kept as "<pid> <number>". */
function openRing(object: BpfObject) {
  const records: string[] = [];
  const batches: number[] = [];
  let wake = () => {};
  const fd = object.mapFd("events");
  const reader = native.openRings(fd);
  const take = (buffer: Buffer) => {
    batches.push(buffer.length);
    for (let at = 0; at < buffer.length; ) {
      records.push(`${buffer.readUInt32LE(at + 16)} ${buffer.readUInt32LE(at + 20)}`);
      at += Math.ceil(buffer.readUInt32LE(at + 4) / 8) * 8;
    }
    wake();
  };
  const reading = (async () => {
    for (let buffer = await reader.read(); buffer; buffer = await reader.read()) take(buffer);
  })();
  native.closeFd(fd);
  const has = (count: number) =>
    new Promise<void>((resolve) => {
      wake = () => {
        if (records.length >= count) resolve();
      };
      wake();
    });
  return { reader, reading, records, batches, has };
}

/** Of BPF maps, into this process. */
function mappedBytes(): number {
  const lines = readFileSync("/proc/self/maps", "utf8").split("\n");
  const sizes = lines
    .filter((line) => line.endsWith("anon_inode:bpf-map"))
    .map((line) =>
      line
        .split(" ")[0]!
        .split("-")
        .map((address) => Number.parseInt(address, 16)),
    );
  return sizes.reduce((sum, [from, to]) => sum + to! - from!, 0);
}

function lost(object: BpfObject): bigint {
  const values = read(object, "lost", u32(0), 8 * native.possibleCpus());
  return split(values, 8).reduce(
    (sum, value) => sum + Buffer.from(value, "hex").readBigUInt64LE(),
    0n,
  );
}
