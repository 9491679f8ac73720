import assert from "node:assert/strict";
import { test } from "node:test";
import { enums } from "../gen/layout.ts";
import { codeOf, type Losses, lossCauses, readLosses, withoutRoom } from "./losses.ts";
import type { Native } from "./native.ts";

const none = Object.fromEntries(lossCauses.map((cause) => [cause, 0n])) as Losses;

test("each cause stands at a number of its own, which the map has", () => {
  const { LOSS_MAX, LOSS_OF_ACTIONS, ...codes } = enums.loss;
  const kernel = Object.values(codes);
  const ofActions = Object.values(enums.action_loss);
  assert.deepEqual(lossCauses.map(codeOf), [...kernel, ...ofActions]);
  assert.equal(codeOf("ring_post"), enums.loss.LOSS_RING_POST);
  assert.ok(Math.max(...kernel) < LOSS_OF_ACTIONS);
  assert.ok(Math.min(...ofActions) >= LOSS_OF_ACTIONS);
  assert.ok(Math.max(...ofActions) < LOSS_MAX);
});

test("readLosses adds up the processors", () => {
  const native: Pick<Native, "lookup" | "possibleCpus"> = {
    possibleCpus: () => 2,
    lookup: (_fd, key, value) => {
      if (key[0] === codeOf("ring_post")) {
        Buffer.from(value.buffer, value.byteOffset).writeBigUInt64LE(2n ** 40n, 0);
        Buffer.from(value.buffer, value.byteOffset).writeBigUInt64LE(3n, 8);
      } else value.fill(0);
      return true;
    },
  };
  assert.deepEqual(readLosses(native as Native, 3), { ...none, ring_post: 2n ** 40n + 3n });
});

test("what policies ask for is no want of room", () => {
  const lost = withoutRoom({ ...none, ring_stop: 2n, aggregated: 3n, rate_limited: 4n });
  assert.equal(lost.get("ring_stop"), 2);
  assert.ok(!lost.has("aggregated") && !lost.has("rate_limited"));
});
