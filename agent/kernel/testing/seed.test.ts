import assert from "node:assert/strict";
import { test } from "node:test";
import { seedOf } from "./seed.ts";

test("each run draws a seed of its own, unless one is given", () => {
  const drawn = Array.from({ length: 20 }, () => seedOf({}));
  assert.ok(new Set(drawn).size > 18, `drew ${drawn}`);
  assert.equal(seedOf({ GUARDBEE_SEED: "17" }), 17);
  assert.throws(() => seedOf({ GUARDBEE_SEED: "x" }), {
    message: "GUARDBEE_SEED=x is not an integer; give the one that a run printed",
  });
});
