import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@guardbee/kube";
import { endWorker } from "./end-worker.ts";

const slept: number[] = [];
const clock = {
  ...systemClock,
  sleep: async (ms: number) => {
    slept.push(ms);
  },
};

test("a thread that ends is waited for", async () => {
  assert.equal(await endWorker({ terminate: async () => 1 }, systemClock), true);
});

test("a thread that never ends is waited for a second, by the clock", async () => {
  const never = { terminate: () => new Promise<number>(() => {}) };
  assert.equal(await endWorker(never, clock), false);
  assert.deepEqual(slept, [1_000]);
});
