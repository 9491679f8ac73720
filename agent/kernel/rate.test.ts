import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCgroupRate } from "./rate.ts";

const cases = [
  ["", "none"],
  ["1000,1s", { events: 1000, intervalMs: 1000 }],
  ["5,250ms", { events: 5, intervalMs: 250 }],
  ["20,2m", { events: 20, intervalMs: 120_000 }],
  ...["1000", "0,1s", "10,0s", "10,1h", "1e3,1s", "10,1s,", "-1,1s"].map((text) => [
    text,
    undefined,
  ]),
] as const;
for (const [text, rate] of cases) {
  test(`the rate "${text}" is ${JSON.stringify(rate)}`, () => {
    assert.deepEqual(parseCgroupRate(text as string), rate);
  });
}
