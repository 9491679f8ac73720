import assert from "node:assert/strict";
import { test } from "node:test";
import { backOffMs } from "./back-off.ts";

const backOff = { firstMs: 500, maxMs: 3_000 };

test("the wait doubles with each failure, up to the most", () => {
  const waits = [1, 2, 3, 4, 5, 2_000].map((failures) => backOffMs(failures, backOff));
  assert.deepEqual(waits, [500, 1_000, 2_000, 3_000, 3_000, 3_000]);
});

test("random takes up to half of the wait away", () => {
  assert.equal(
    backOffMs(2, backOff, () => 0),
    500,
  );
  assert.equal(
    backOffMs(2, backOff, () => 0.5),
    750,
  );
});
