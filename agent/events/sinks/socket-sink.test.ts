import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock } from "@guardbee/kube";
import pino from "pino";
import { someLines } from "../testing/some-lines.ts";
import { SocketSink, type SocketSinkOptions } from "./socket-sink.ts";

const log = pino({ level: "silent" });
const clock = new ManualClock();
const { encoder, events } = someLines();

async function withSink(
  options: Partial<SocketSinkOptions>,
  work: (sink: SocketSink, path: string, stop: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "sock-"));
  const path = options.path ?? join(folder, "run", "events.sock");
  const sink = new SocketSink({ encoder, clock, log, ...options, path });
  const controller = new AbortController();
  const running = sink.run(controller.signal);
  const stop = async () => {
    controller.abort();
    await running;
  };
  try {
    await until(() =>
      stat(path).then(
        (found) => (found.mode & 0o777) === 0o660,
        () => false,
      ),
    );
    await work(sink, path, stop);
  } finally {
    await stop();
    await rm(folder, { recursive: true });
  }
}

/** Turns of the event loop, not time. */
async function until(done: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await done())) await new Promise((resolve) => setImmediate(resolve));
}

async function aReader(sink: SocketSink, path: string): Promise<Socket> {
  const before = sink.readers;
  const reader = connect(path);
  await once(reader, "connect");
  await until(() => sink.readers > before);
  return reader;
}

test("every reader gets the lines, and the end when the sink ends", () =>
  withSink({}, async (sink, path, stop) => {
    const readers = [await aReader(sink, path), await aReader(sink, path)];
    sink.write(events({ lines: Buffer.from("a\nb\n"), count: 2 }));
    const read = readers.map((reader) => reader.toArray());
    await stop();
    for (const chunks of await Promise.all(read)) {
      assert.equal(Buffer.concat(chunks).toString(), "a\nb\n");
    }
    assert.equal(sink.stats().delivered, 4);
  }));

test("without a reader nothing is encoded", () =>
  withSink({ encoder: { encode: () => assert.fail("encoded") } }, async (sink) => {
    sink.write(events({ lines: Buffer.from("a\n"), count: 1 }));
    assert.equal(sink.stats().delivered, 0);
  }));

test("a slow reader misses events, is told how many, and holds up no one", () =>
  withSink({ backlogBytes: 64 * 1024 }, async (sink, path) => {
    const slow = await aReader(sink, path);
    slow.pause();
    const lines = Buffer.from(`${"x".repeat(32 * 1024 - 1)}\n`);
    for (let i = 0; i < 100; i++) sink.write(events({ lines, count: 1 }));
    const { delivered, waiting, dropped } = sink.stats();
    assert.ok(dropped.backlog > 0);
    assert.equal(delivered + waiting + dropped.backlog, 100);
    let text = "";
    slow.on("data", (chunk) => {
      text += chunk;
    });
    slow.resume();
    await until(() => text.endsWith(`dropped ${dropped.backlog}\n`));
    sink.write(events({ lines: Buffer.from("next\n"), count: 1 }));
    await until(() => text.endsWith("next\n"));
    assert.equal(
      text.split("\n").filter((line) => line.startsWith("x")).length,
      delivered + waiting,
    );
    slow.destroy();
    await until(() => sink.readers === 0);
  }));

test("a slow reader still gets what is urgent", () =>
  withSink({ backlogBytes: 64 * 1024 }, async (sink, path) => {
    const slow = await aReader(sink, path);
    slow.pause();
    const kill = { lines: Buffer.from("kill\n"), count: 1 };
    const lines = Buffer.from(`${"x".repeat(32 * 1024 - 1)}\n`);
    for (let i = 0; i < 100; i++) {
      const all = Buffer.concat([lines, kill.lines]);
      sink.write(events({ lines: all, count: 2, urgent: kill }));
    }
    const { delivered, waiting, dropped } = sink.stats();
    assert.equal(delivered + waiting + dropped.backlog, 200);
    let text = "";
    slow.on("data", (chunk) => {
      text += chunk;
    });
    slow.resume();
    await until(() => text.endsWith(`dropped ${dropped.backlog}\n`));
    assert.equal(text.match(/^kill$/gm)?.length, 100);
    slow.destroy();
    await until(() => sink.readers === 0);
  }));

test("at the end a reader that is behind is told, and one that reads no more is left", () =>
  withSink({ backlogBytes: 64 * 1024 }, async (sink, path, stop) => {
    const [behind, stuck] = [await aReader(sink, path), await aReader(sink, path)];
    behind.pause();
    stuck.pause();
    const lines = Buffer.from(`${"x".repeat(32 * 1024 - 1)}\n`);
    for (let i = 0; i < 100; i++) sink.write(events({ lines, count: 1 }));
    const missed = sink.stats().dropped.backlog / 2;
    const stopped = stop();
    const text = Buffer.concat(await behind.toArray()).toString();
    assert.ok(text.endsWith(`x\ndropped ${missed}\n`));
    await clock.asleep(1);
    await clock.advance(2_000);
    await stopped;
    const { delivered, waiting, dropped } = sink.stats();
    assert.equal(waiting, 0);
    assert.ok(dropped.closed > 0);
    assert.equal(delivered + dropped.backlog + dropped.closed, 200);
    stuck.destroy();
  }));

test("one reader too many is hung up on", () =>
  withSink({ readers: 1 }, async (sink, path) => {
    const first = await aReader(sink, path);
    const second = connect(path);
    await once(second, "close");
    assert.equal(sink.readers, 1);
    first.destroy();
  }));

test("a stale socket is replaced, a file in its place is not", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sock-"));
  try {
    const file = join(folder, "file");
    await writeFile(file, "precious");
    const taken = new SocketSink({ path: file, encoder, clock, log });
    await assert.rejects(taken.run(new AbortController().signal), { code: "EADDRINUSE" });
    const path = join(folder, "stale.sock");
    const dead = createServer().listen(path);
    await once(dead, "listening");
    await withSink({ path }, async (sink) => {
      const reader = await aReader(sink, path);
      reader.destroy();
    });
    dead.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("ends also when it is aborted before it listens", { timeout: 10_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "sock-"));
  try {
    const sink = new SocketSink({
      path: join(folder, "run", "s"),
      encoder,
      clock,
      log,
    });
    const controller = new AbortController();
    const running = sink.run(controller.signal);
    controller.abort();
    await running;
  } finally {
    await rm(folder, { recursive: true });
  }
});
