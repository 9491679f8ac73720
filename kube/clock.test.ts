import assert from "node:assert/strict";
import { test } from "node:test";
import { stamp } from "./clock.ts";

test("a stamp is RFC 3339 to the second, whatever the fraction", () => {
  assert.equal(stamp(0), "1970-01-01T00:00:00Z");
  assert.equal(stamp(Date.UTC(2026, 0, 2, 3, 4, 5, 999)), "2026-01-02T03:04:05Z");
});
