import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DueKeys } from "./due-keys.ts";

test("keys come out as they are due, and of those due together as they came", () => {
  const step = fc.oneof(fc.nat(20), fc.constant("shift" as const));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const keys = new DueKeys();
      const model: { key: string; dueMs: number }[] = [];
      for (const [index, one] of steps.entries()) {
        if (one === "shift") {
          assert.deepEqual(keys.first()?.key, model[0]?.key);
          assert.equal(keys.shift()?.key, model.shift()?.key);
        } else {
          keys.push({ key: `${index}`, dueMs: one });
          model.push({ key: `${index}`, dueMs: one });
          model.sort((a, b) => a.dueMs - b.dueMs); // is stable
        }
      }
    }),
  );
});
