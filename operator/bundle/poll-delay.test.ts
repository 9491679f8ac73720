import assert from "node:assert/strict";
import { test } from "node:test";
import { BundleError } from "./bundle-error.ts";
import { afterPoll, noPolls, pollDelayMs } from "./poll-delay.ts";

const down = new BundleError("Unreachable", "down");
const busy = new BundleError("Unreachable", "busy", { retryAfterMs: 120_000 });
const failing = (failures: number, retryAfterMs = 0) => ({ failures, retryAfterMs });

test("failures in a row are counted, one good answer ends them, and only the last Retry-After counts", () => {
  const first = afterPoll(noPolls, busy);
  assert.deepEqual(first, failing(1, 120_000));
  const second = afterPoll(first, down);
  assert.deepEqual(second, failing(2));
  assert.deepEqual(afterPoll(second, new Error("no Secret")), failing(3));
  assert.deepEqual(afterPoll(second, undefined), noPolls);
});

test("the wait is spread around the interval", () => {
  assert.deepEqual(
    [0, 0.999].map((random) => Math.round(pollDelayMs(noPolls, 60_000, random))),
    [54_000, 65_988],
  );
});

test("after failures the wait is doubled up to a limit, and never less than the server asked for", () => {
  assert.deepEqual(
    [1, 2, 3, 8, 9, 5_000].map((failures) => pollDelayMs(failing(failures), 60_000, 0)),
    [1_000, 2_000, 4_000, 128_000, 150_000, 150_000],
  );
  assert.equal(pollDelayMs(failing(1), 60_000, 0.5), 1_500);
  assert.equal(pollDelayMs(failing(5_000), 3_600_000, 0), 1_800_000);
  assert.equal(pollDelayMs(failing(1, 120_000), 60_000, 0), 120_000);
  assert.equal(Math.round(pollDelayMs(failing(3, 90_000), 60_000, 0.5)), 94_500);
  assert.equal(pollDelayMs(failing(9, 1_000), 60_000, 0), 150_000);
});
