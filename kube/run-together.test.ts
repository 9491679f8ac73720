import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "./manual-clock.ts";
import { runTogether } from "./run-together.ts";

const clock = new ManualClock();
const endless = (signal: AbortSignal) => clock.sleep(Number.MAX_SAFE_INTEGER, signal);

test("all parts end when the signal aborts, and one that ended before ends no other", async () => {
  const stop = new AbortController();
  const ended: string[] = [];
  const running = runTogether(
    [
      async () => void ended.push("short"),
      (signal) => endless(signal).finally(() => ended.push("long")),
    ],
    stop.signal,
  );
  await clock.asleep(1);
  assert.deepEqual(ended, ["short"]);
  stop.abort();
  await running;
  assert.deepEqual(ended, ["short", "long"]);
});

test("a part that throws ends the others, and its error is thrown when they have ended", async () => {
  const broken = new Error("broken");
  let cleanedUp = false;
  const running = runTogether(
    [
      () => Promise.reject(broken),
      (signal) =>
        endless(signal).finally(() => {
          cleanedUp = true;
        }),
    ],
    new AbortController().signal,
  );
  await assert.rejects(running, broken);
  assert.equal(cleanedUp, true);
});

test("a part that breaks while it ends is told", async () => {
  const stop = new AbortController();
  const broken = new Error("broken");
  const running = runTogether(
    [(signal) => endless(signal).catch(() => Promise.reject(broken))],
    stop.signal,
  );
  await clock.asleep(1);
  stop.abort();
  await assert.rejects(running, broken);
});
