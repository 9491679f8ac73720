import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock } from "@guardbee/kube";
import pino from "pino";
import { FileSink } from "./file-sink.ts";

const log = pino({ level: "silent" });
const line = (text: string) => ({ lines: Buffer.from(`${text}\n`), count: 1 });

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
    const sink = new FileSink({ path, maxBytes: 100, backups: 2, clock, log });
    const stop = new AbortController();
    const running = sink.run(stop.signal);
    for (let i = 0; i < 10; i++) sink.write(line(`${i}`.repeat(50)));
    stop.abort();
    await running;
    const files = (await readdir(join(folder, "deep"))).filter((name) => !name.startsWith("."));
    assert.equal(files.length, 3);
    for (const name of files)
      assert.match(name, /^events(-20\d\d-\d\d-\d\dT[\d-]+\.\d{3}(\.\d)?)?\.log$/);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.deepEqual(sink.stats(), { written: 10, dropped: { closed: 0, backlog: 0 } });
  }));

test("events beyond the backlog, and those after the end, are dropped and counted", () =>
  inFolder(async (folder) => {
    const path = join(folder, "events.log");
    const sink = new FileSink({ path, backlogBytes: 10, clock: new ManualClock(), log });
    const stop = new AbortController();
    const running = sink.run(stop.signal);
    for (let i = 0; i < 4; i++) sink.write(line("four"));
    stop.abort();
    await running;
    sink.write(line("late"));
    assert.equal(await readFile(path, "utf8"), "four\nfour\n");
    assert.deepEqual(sink.stats(), { written: 2, dropped: { closed: 1, backlog: 2 } });
  }));

test("a path that cannot be written is tried again after a second", () =>
  inFolder(async (folder) => {
    const path = join(folder, "events.log");
    await mkdir(path);
    const clock = new ManualClock();
    const sink = new FileSink({ path, clock, log });
    const stop = new AbortController();
    const running = sink.run(stop.signal);
    await clock.asleep(1);
    await rm(path, { recursive: true });
    await clock.advance(1000);
    sink.write(line("now"));
    stop.abort();
    await running;
    assert.equal(await readFile(path, "utf8"), "now\n");
  }));
