import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFile, mkdtemp, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { ManualClock } from "@guardbee/kube";
import fc from "fast-check";
import { type FollowOptions, followFile } from "./follow-file.ts";
import { RotatingFile } from "./sinks/rotating-file.ts";

async function following(
  options: Partial<FollowOptions>,
  work: (io: {
    path: string;
    /** What came since the last call, once the follower has seen all there is. */
    read: () => Promise<string>;
  }) => Promise<void>,
  before: string | undefined = undefined,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "follow-"));
  const path = join(folder, "events.log");
  if (before !== undefined) await writeFile(path, before);
  const clock = new ManualClock();
  const stop = new AbortController();
  let text = "";
  const onLines = (lines: Buffer) => {
    text += lines;
  };
  const running = followFile({ path, from: "start", onLines, clock, ...options }, stop.signal);
  const read = async () => {
    // Two polls: the first may have begun before the change that the test made.
    for (let poll = 0; poll < 2; poll++) {
      await clock.asleep(1);
      await clock.advance(250);
    }
    await clock.asleep(1);
    const got = text;
    text = "";
    return got;
  };
  try {
    await work({ path, read });
  } finally {
    stop.abort();
    await running;
    await rm(folder, { recursive: true });
  }
}

test("whole lines come as they are appended", () =>
  following({}, async ({ path, read }) => {
    await writeFile(path, "one\ntw");
    assert.equal(await read(), "one\n");
    await appendFile(path, "o\n");
    assert.equal(await read(), "two\n");
  }));

test("a rotated file is read to its end before the new one", () =>
  following(
    {},
    async ({ path, read }) => {
      assert.equal(await read(), "old\n");
      await appendFile(path, "last\n");
      await rename(path, `${path}.1`);
      await appendFile(`${path}.1`, "later\n");
      await writeFile(path, "new\n");
      assert.equal(await read(), "last\nlater\nnew\n");
    },
    "old\n",
  ));

test("from the end only what comes is given, but a new file in full", () =>
  following(
    { from: "end" },
    async ({ path, read }) => {
      assert.equal(await read(), "");
      await appendFile(path, "b\n");
      assert.equal(await read(), "b\n");
      await rm(path);
      await writeFile(path, "c\n");
      assert.equal(await read(), "c\n");
    },
    "a\n",
  ));

test("a file that is emptied starts anew, and a torn last line is ended", () =>
  following(
    {},
    async ({ path, read }) => {
      assert.equal(await read(), "a long line\n");
      await writeFile(path, "b\n");
      assert.equal(await read(), "torn\nb\n");
    },
    "a long line\ntorn",
  ));

test("a line that its writer takes back is not given, and nothing is given twice", () =>
  following(
    {},
    async ({ path, read }) => {
      assert.equal(await read(), "one\n");
      await truncate(path, 4);
      assert.equal(await read(), "");
      await appendFile(path, "two\n");
      assert.equal(await read(), "two\n");
    },
    "one\ntorn",
  ));

test("across rotations each line is given in its order, or counted in its place", async () => {
  const step = fc.oneof(
    fc.record({ append: fc.integer({ min: 1, max: 80 }) }),
    fc.record({ reopen: fc.constant(true) }),
    fc.record({ poll: fc.constant(true) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.boolean(), async (steps, compress) => {
      const folder = await mkdtemp(join(tmpdir(), "follow-"));
      const path = join(folder, "events.log");
      const limits = () => ({ maxBytes: 40, backups: 2 });
      const onUncompressed = (error: unknown) => assert.fail(String(error));
      const options = { path, limits, compress, onUncompressed, now: () => 7 };
      const clock = new ManualClock();
      const stop = new AbortController();
      let file = await RotatingFile.open(options);
      let [written, expected] = [0, 0];
      const onLines = (lines: Buffer) => {
        for (const line of lines.toString().trimEnd().split("\n")) {
          assert.equal(Number(line), expected++);
        }
      };
      const onMissed = (count: number) => {
        expected += count;
      };
      const followed = { path: options.path, from: "start", onLines, onMissed, clock } as const;
      const running = followFile(followed, stop.signal);
      await clock.asleep(1);
      const poll = async () => {
        await clock.advance(250);
        await clock.asleep(1);
      };
      for (const step of steps) {
        if ("poll" in step) await poll();
        if ("reopen" in step) {
          await file.close();
          file = await RotatingFile.open(options);
        }
        for (let i = 0; "append" in step && i < step.append; i++) {
          await file.append(Buffer.from(`${written++}\n`), 1);
          await file.rotate();
        }
      }
      for (let i = 0; i < 6; i++) await poll();
      assert.equal(expected, written);
      stop.abort();
      await running;
      await file.close();
      await rm(folder, { recursive: true });
    }),
  );
});

const notFollowed = [
  { name: "/dev/null", path: "/dev/null", want: /^is no plain file$/ },
  { name: "a folder", path: tmpdir(), want: /^is no plain file$/ },
];
for (const { name, path, want } of notFollowed) {
  test(`${name} is not followed`, async () => {
    await assert.rejects(follow(path), { message: want });
  });
}

test("a pipe that nobody writes to is not followed, and not waited for", async () => {
  const folder = await mkdtemp(join(tmpdir(), "follow-"));
  const path = join(folder, "pipe");
  await promisify(execFile)("mkfifo", [path]);
  try {
    await assert.rejects(follow(path), { message: "is no plain file" });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a line without end is given up, however long it gets", () =>
  following({}, async ({ path, read }) => {
    await writeFile(path, `one\n${"x".repeat(1_000_000)}\ntwo\n`);
    assert.equal((await read()).length, 1_000_009);
    const folder = await mkdtemp(join(tmpdir(), "follow-"));
    const long = join(folder, "long");
    await writeFile(long, Buffer.alloc(17 * 1024 * 1024));
    await assert.rejects(follow(long), {
      message: "has a line of over 16777216 bytes; its writer writes no JSON lines",
    });
    await rm(folder, { recursive: true });
  }));

function follow(path: string): Promise<void> {
  const clock = new ManualClock();
  return followFile({ path, from: "start", onLines() {}, clock }, new AbortController().signal);
}
