import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock } from "@guardbee/kube";
import pino from "pino";
import type { Batch } from "../encode/lines.ts";
import { someLines } from "../testing/some-lines.ts";
import { FileSink } from "./file-sink.ts";

const log = pino({ level: "silent" });
const { encoder, events } = someLines();
const line = (text: string): Batch => ({ lines: Buffer.from(`${text}\n`), count: 1 });

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "sink-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("the file is private, rotated by size under upstream's names, and old ones go", () =>
  inFolder(async (folder) => {
    const path = join(folder, "deep", "events.log");
    const clock = new ManualClock();
    const sink = new FileSink({ path, maxBytes: 100, backups: 2, encoder, clock, log });
    const stop = new AbortController();
    const running = sink.run(stop.signal);
    for (let i = 0; i < 10; i++) sink.write(events(line(`${i}`.repeat(50))));
    stop.abort();
    await running;
    const files = (await readdir(join(folder, "deep"))).filter((name) => !name.startsWith("."));
    assert.equal(files.length, 3);
    for (const name of files)
      assert.match(name, /^events(-20\d\d-\d\d-\d\dT[\d-]+\.\d{3}(\.\d)?)?\.log$/);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.deepEqual(sink.stats(), {
      ...{ delivered: 10, bytes: 510, waiting: 0 },
      dropped: { closed: 0, backlog: 0, error: 0 },
    });
  }));

test("what came while the disk was busy is written at once, up to a mebibyte", () =>
  inFolder(async (folder) => {
    const path = join(folder, "events.log");
    const sink = new FileSink({ path, encoder, clock: new ManualClock(), log });
    const stop = new AbortController();
    const running = sink.run(stop.signal);
    const part = line("x".repeat(300_000 - 1));
    for (let i = 0; i < 7; i++) sink.write(events(part));
    const delivered: number[] = [];
    while (delivered.at(-1) !== 7) {
      const now = sink.stats().delivered;
      if (now !== delivered.at(-1)) delivered.push(now);
      await new Promise((resolve) => setImmediate(resolve));
    }
    stop.abort();
    await running;
    assert.deepEqual(delivered, [0, 3, 6, 7]);
    assert.equal(await readFile(path, "utf8"), part.lines.toString().repeat(7));
  }));

test("there is no room beyond the backlog, until the disk has taken something", () =>
  inFolder(async (folder) => {
    const path = join(folder, "events.log");
    const clock = new ManualClock();
    const sink = new FileSink({ path, backlogBytes: 10, encoder, clock, log });
    const stop = new AbortController();
    const running = sink.run(stop.signal);
    sink.write(events(line("1234")));
    sink.write(events(line("1234")));
    assert.equal(sink.room(), undefined);
    sink.write(events(line("1234")));
    await sink.room();
    stop.abort();
    await running;
    assert.equal(sink.room(), undefined);
    sink.write(events(line("late")));
    assert.equal(await readFile(path, "utf8"), "1234\n".repeat(3));
    assert.deepEqual(sink.stats(), {
      ...{ delivered: 3, bytes: 15, waiting: 0 },
      dropped: { closed: 1, backlog: 0, error: 0 },
    });
  }));

test("a disk that hangs is waited for once; beyond four backlogs only urgent lines are kept", () =>
  inFolder(async (folder) => {
    const path = join(folder, "events.log");
    execFileSync("mkfifo", [path]); // takes 64 KiB, and no more until somebody reads
    const clock = new ManualClock();
    const sink = new FileSink({ path, backlogBytes: 100_000, encoder, clock, log });
    const stop = new AbortController();
    const running = sink.run(stop.signal);
    const long = line("x".repeat(99_999));
    for (let i = 0; i < 2; i++) sink.write(events(long));
    const room = sink.room();
    await clock.asleep(1);
    await clock.advance(5_000);
    await room;
    assert.equal(sink.room(), undefined);
    for (let i = 2; i < 7; i++) sink.write(events(long));
    const kill = line("kill");
    sink.write(events({ lines: Buffer.concat([long.lines, kill.lines]), count: 2, urgent: kill }));
    assert.deepEqual(sink.stats(), {
      ...{ delivered: 0, bytes: 0, waiting: 5 },
      dropped: { closed: 0, backlog: 4, error: 0 },
    });
    stop.abort();
    const [text] = await Promise.all([readFile(path, "utf8"), running]);
    assert.equal(text, `${long.lines.toString().repeat(4)}kill\n`);
    assert.equal(sink.stats().delivered, 5);
  }));

test("a full disk drops whole lines and counts them", { skip: process.getuid!() !== 0 }, () =>
  inFolder(async (folder) => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16k", "tmpfs", folder]);
    try {
      const path = join(folder, "events.log");
      const clock = new ManualClock();
      const sink = new FileSink({ path, encoder, clock, log });
      const stop = new AbortController();
      const running = sink.run(stop.signal);
      const lines = Buffer.from(`${"x".repeat(999)}\n`.repeat(100));
      sink.write(events({ lines, count: 100 }));
      await clock.asleep(1);
      sink.write(events(line("meanwhile")));
      stop.abort();
      await running;
      const text = await readFile(path, "utf8");
      assert.match(text, /^(x{999}\n)+$/);
      const { delivered, bytes, dropped } = sink.stats();
      assert.deepEqual([delivered, bytes], [text.length / 1000, text.length]);
      assert.deepEqual(dropped, { closed: 0, backlog: 0, error: 101 - delivered });
    } finally {
      execFileSync("umount", [folder]);
    }
  }),
);

test("what a dead agent did not end is cut off", () =>
  inFolder(async (folder) => {
    const path = join(folder, "events.log");
    await writeFile(path, `whole\n${"x".repeat(200_000)}`);
    const sink = new FileSink({ path, encoder, clock: new ManualClock(), log });
    const stop = new AbortController();
    const running = sink.run(stop.signal);
    sink.write(events(line("next")));
    stop.abort();
    await running;
    assert.equal(await readFile(path, "utf8"), "whole\nnext\n");
  }));

test("a path that cannot be written is tried again after a second", () =>
  inFolder(async (folder) => {
    const path = join(folder, "events.log");
    await mkdir(path);
    const clock = new ManualClock();
    const sink = new FileSink({ path, encoder, clock, log });
    const stop = new AbortController();
    const running = sink.run(stop.signal);
    await clock.asleep(1);
    await rm(path, { recursive: true });
    await clock.advance(1000);
    sink.write(events(line("now")));
    stop.abort();
    await running;
    assert.equal(await readFile(path, "utf8"), "now\n");
  }));
