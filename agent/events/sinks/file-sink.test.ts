import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
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
    const sink = new FileSink({ path, limits: { maxBytes: 100, backups: 2 }, encoder, clock, log });
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

test("rotated files and an index that are broken keep nothing from being written", () =>
  inFolder(async (folder) => {
    const path = join(folder, "events.log");
    await writeFile(path, `{"a":1}\n\0\0\0\xff{"b`);
    await writeFile(join(folder, "events-2026-01-01T00-00-00.000.log.gz"), "no gzip");
    const cut = gzipSync(`${"{}\n".repeat(10_000)}`).subarray(0, 40);
    await writeFile(join(folder, "events-2026-01-01T00-00-01.000.log.gz"), cut);
    await writeFile(join(folder, "events-2026-01-01T00-00-02.000.log"), Buffer.alloc(5_000));
    await writeFile(join(folder, ".events.index"), '[{"name":"../x","inode":1}');
    const isOurs = (head: Buffer) => head[0] === 0x7b;
    await withSink(
      path,
      { file: { isOurs }, limits: { maxBytes: 20, backups: 9 } },
      async (sink) => {
        for (const text of ["{}", '{"c":"long enough"}', "{}"]) sink.write(events(line(text)));
        await delivered(sink, 3);
        assert.deepEqual(sink.stats().dropped, { closed: 0, backlog: 0, error: 0 });
      },
    );
    const own = (await readdir(folder)).filter((name) => /^events.*log$/.test(name)).sort();
    const texts = await Promise.all(own.map((name) => readFile(join(folder, name), "utf8")));
    const lines = texts
      .join("\n")
      .split("\n")
      .filter((text) => text.startsWith("{"));
    assert.deepEqual(lines.toSorted(), ['{"a":1}', '{"c":"long enough"}', "{}", "{}"].toSorted());
  }));

test("a clock that goes back or stands still costs no rotated file, and their order is kept", () =>
  inFolder(async (folder) => {
    const path = join(folder, "events.log");
    const clock = new ManualClock();
    const times = [50_000, 20_000, 20_000, 90_000, 1].map((ms) => 1_700_000_000_000 + ms);
    let step = -1;
    const stepping = Object.assign(Object.create(clock), {
      now: () => times[Math.max(0, step)]!,
      monotonic: () => clock.monotonic(),
      sleep: (ms: number, signal: AbortSignal) => clock.sleep(ms, signal),
    });
    const limits = { maxBytes: 5, backups: 0 };
    await withSink(path, { limits, clock: stepping }, async (sink) => {
      for (const text of ["one", "two", "three", "four", "five"]) {
        step++;
        sink.write(events(line(`{${text}}`)));
        await delivered(sink, step + 1);
      }
    });
    const names = (await readdir(folder)).filter((name) => !name.startsWith(".")).sort();
    const rotated = names.filter((name) => name !== "events.log");
    const texts = await Promise.all(
      [...rotated, "events.log"].map((name) => readFile(join(folder, name), "utf8")),
    );
    assert.equal(texts.join(""), "{one}\n{two}\n{three}\n{four}\n{five}\n");
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

type Options = Partial<ConstructorParameters<typeof FileSink>[0]>;

async function withSink(
  path: string,
  options: Options,
  work: (sink: FileSink, clock: ManualClock) => Promise<void>,
): Promise<void> {
  const clock = new ManualClock();
  const sink = new FileSink({ path, encoder, clock, log, ...options });
  const stop = new AbortController();
  const running = sink.run(stop.signal);
  await work(sink, clock);
  stop.abort();
  await running;
}

async function delivered(sink: FileSink, count: number): Promise<void> {
  for (let turn = 0; sink.stats().delivered < count; turn++) {
    assert.ok(turn < 100_000, JSON.stringify(sink.stats()));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function linesIn(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter((name) => !name.startsWith(".")).sort();
  return Promise.all(
    names.map(async (name) => {
      const bytes = await readFile(join(folder, name));
      const text = (name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
      return `${name.replace(/-20.*?(?=\.log)/, "-T")} ${text.replaceAll("\n", ";")}`;
    }),
  );
}

test("the interval rotates a file that has lines, and only that", () =>
  inFolder(async (folder) => {
    const path = join(folder, "events.log");
    await withSink(path, { limits: { rotationIntervalMs: 60_000 } }, async (sink, clock) => {
      const interval = async () => {
        await clock.asleep(1);
        await clock.advance(60_000);
        for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setTimeout(resolve));
      };
      await interval();
      sink.write(events(line("a")));
      await delivered(sink, 1);
      await interval();
      sink.write(events(line("b")));
    });
    assert.deepEqual(await linesIn(folder), ["events-T.log a;", "events.log b;"]);
  }));

test("limits hold from when they are set", () =>
  inFolder(async (folder) => {
    const path = join(folder, "events.log");
    await withSink(path, {}, async (sink) => {
      sink.write(events(line("a")));
      await delivered(sink, 1);
      sink.setLimits({ maxBytes: 3, backups: 1 });
      for (const text of ["b", "c", "d"]) sink.write(events(line(text)));
    });
    assert.deepEqual(await linesIn(folder), ["events-T.log c;d;", "events.log "]);
  }));

test("all rotated files but the newest are compressed, with the file's own permissions", () =>
  inFolder(async (folder) => {
    const path = join(folder, "events.log");
    const options = { limits: { maxBytes: 1, backups: 3 }, file: { compress: true, mode: 0o640 } };
    await withSink(path, options, async (sink) => {
      for (let i = 0; i < 6; i++) {
        sink.write(events(line(`${i}`)));
        await delivered(sink, i + 1);
      }
      // It is done beside the writing.
      for (let turn = 0; turn < 10_000; turn++) {
        const names = (await readdir(folder)).filter((name) => !name.startsWith("."));
        if (names.join().match(/\.gz\b/g)?.length === 2 && names.length === 4) break;
      }
    });
    const want = ["events-T.log.gz 3;", "events-T.log.gz 4;", "events-T.log 5;", "events.log "];
    assert.deepEqual((await linesIn(folder)).toSorted(), want.toSorted());
    for (const name of (await readdir(folder)).filter((name) => !name.startsWith(".")))
      assert.equal((await stat(join(folder, name))).mode & 0o777, 0o640, name);
  }));

test("a file that somebody else wrote is neither cut nor written to, and that is said once", () =>
  inFolder(async (folder) => {
    const path = join(folder, "passwd");
    await writeFile(path, "root:x:0:0\nunended");
    const said: string[] = [];
    const told = pino({ level: "info" }, { write: (text: string) => said.push(text) });
    const isOurs = (head: Buffer) => head[0] === 0x7b;
    await withSink(path, { file: { isOurs }, log: told }, async (sink, clock) => {
      for (let i = 0; i < 3; i++) {
        await clock.asleep(1);
        sink.write(events(line("lost")));
        await clock.advance(1_000);
      }
      await clock.asleep(1);
      await rm(path);
      await clock.advance(1_000);
      sink.write(events(line("{}")));
      await delivered(sink, 1);
      assert.deepEqual(sink.stats().dropped, { closed: 0, backlog: 0, error: 3 });
    });
    assert.equal(await readFile(path, "utf8"), "{}\n");
    const messages = said.map((text) => JSON.parse(text));
    assert.deepEqual(
      messages.map(({ msg, lost }) => [msg, lost]),
      [
        [
          "the event file cannot be written; it is opened again each second, and events are lost",
          0,
        ],
        ["the event file is open again", 3],
      ],
    );
    const why = `${path} does not begin as a file of events; move it away, or name another`;
    assert.equal(messages[0].err.message, why);
  }));

test(
  "a read-only disk is said, its events counted, and it is written to when it can be",
  {
    skip: process.getuid!() !== 0,
  },
  () =>
    inFolder(async (folder) => {
      execFileSync("mount", ["-t", "tmpfs", "-o", "ro", "tmpfs", folder]);
      try {
        const path = join(folder, "events.log");
        await withSink(path, {}, async (sink, clock) => {
          await clock.asleep(1);
          sink.write(events(line("lost")));
          execFileSync("mount", ["-o", "remount,rw", folder]);
          await clock.advance(1_000);
          sink.write(events(line("now")));
          await delivered(sink, 1);
          assert.deepEqual(sink.stats().dropped, { closed: 0, backlog: 0, error: 1 });
        });
        assert.equal(await readFile(path, "utf8"), "now\n");
      } finally {
        execFileSync("umount", [folder]);
      }
    }),
);
