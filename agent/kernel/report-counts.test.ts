import assert from "node:assert/strict";
import { test } from "node:test";
import { enums } from "../gen/layout.ts";
import { ReportCounts } from "./report-counts.ts";

const { HOOK_STOPPED, HOOK_WOULD_STOP } = enums.hook_flag;

test("events are counted by selector, and by what became of their call", () => {
  const counts = new ReportCounts(2);
  for (const flags of [0, HOOK_STOPPED, HOOK_STOPPED, HOOK_WOULD_STOP]) {
    counts.add({ selector: 1, flags });
  }
  counts.add({ selector: 0, flags: 0 });
  counts.add({ selector: 9, flags: 0 });
  assert.deepEqual(counts.all(7), [
    { hookIndex: 7, selectorIndex: 0, reported: 1, stopped: 0, wouldStop: 0 },
    { hookIndex: 7, selectorIndex: 1, reported: 4, stopped: 2, wouldStop: 1 },
  ]);
});

test("a hook without selectors has one", () => {
  const counts = new ReportCounts(0);
  counts.add({ selector: 0, flags: 0 });
  assert.deepEqual(counts.all(0), [
    { hookIndex: 0, selectorIndex: 0, reported: 1, stopped: 0, wouldStop: 0 },
  ]);
});
