import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import pino from "pino";
import { SocketSink, type SocketSinkOptions } from "./socket-sink.ts";

const log = pino({ level: "silent" });

async function withSink(
  options: Partial<SocketSinkOptions>,
  work: (sink: SocketSink, path: string, stop: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "sock-"));
  const path = options.path ?? join(folder, "run", "events.sock");
  const droppedLine = (count: number) => `dropped ${count}\n`;
  const sink = new SocketSink({ droppedLine, log, ...options, path });
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
    sink.write({ lines: Buffer.from("a\nb\n"), count: 2 });
    await stop();
    for (const reader of readers) {
      const chunks = await reader.toArray();
      assert.equal(Buffer.concat(chunks).toString(), "a\nb\n");
    }
    assert.equal(sink.stats().written, 4);
  }));

test("a slow reader misses events, is told how many, and holds up no one", () =>
  withSink({ backlogBytes: 64 * 1024 }, async (sink, path) => {
    const slow = await aReader(sink, path);
    slow.pause();
    const lines = Buffer.from(`${"x".repeat(32 * 1024 - 1)}\n`);
    for (let i = 0; i < 100; i++) sink.write({ lines, count: 1 });
    const { written, dropped } = sink.stats();
    assert.ok(dropped.backlog > 0);
    assert.equal(written + dropped.backlog, 100);
    let text = "";
    slow.on("data", (chunk) => {
      text += chunk;
    });
    slow.resume();
    await until(() => text.endsWith(`dropped ${dropped.backlog}\n`));
    sink.write({ lines: Buffer.from("next\n"), count: 1 });
    await until(() => text.endsWith("next\n"));
    assert.equal(text.split("\n").filter((line) => line.startsWith("x")).length, written);
    slow.destroy();
    await until(() => sink.readers === 0);
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
    const taken = new SocketSink({ path: file, droppedLine: String, log });
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
    const sink = new SocketSink({ path: join(folder, "run", "s"), droppedLine: String, log });
    const controller = new AbortController();
    const running = sink.run(controller.signal);
    controller.abort();
    await running;
  } finally {
    await rm(folder, { recursive: true });
  }
});
