import assert from "node:assert/strict";
import { appendFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock } from "@guardbee/kube";
import { type FollowOptions, followFile } from "./follow-file.ts";

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
