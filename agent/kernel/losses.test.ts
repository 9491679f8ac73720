import assert from "node:assert/strict";
import { test } from "node:test";
import { enums } from "../gen/layout.ts";
import { type Losses, lossCauses, readLosses } from "./losses.ts";
import type { Native } from "./native.ts";

const none = Object.fromEntries(lossCauses.map((cause) => [cause, 0n])) as Losses;

test("each cause stands at its number", () => {
  const numbers = Object.values(enums.loss).filter((number) => number !== enums.loss.LOSS_MAX);
  assert.deepEqual([...lossCauses.keys()], numbers);
  assert.equal(lossCauses.indexOf("ring_post"), enums.loss.LOSS_RING_POST);
});

test("readLosses adds up the processors", () => {
  const native: Pick<Native, "lookup" | "possibleCpus"> = {
    possibleCpus: () => 2,
    lookup: (_fd, key, value) => {
      if (key[0] === lossCauses.indexOf("ring_post")) {
        Buffer.from(value.buffer, value.byteOffset).writeBigUInt64LE(2n ** 40n, 0);
        Buffer.from(value.buffer, value.byteOffset).writeBigUInt64LE(3n, 8);
      } else value.fill(0);
      return true;
    },
  };
  assert.deepEqual(readLosses(native as Native, 3), { ...none, ring_post: 2n ** 40n + 3n });
});
