import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@guardbee/kube";
import { pino } from "pino";
import { type LossCounts, watchLosses } from "./watch-losses.ts";

test("watchLosses warns of what is new, once, and of the rest at the end", async () => {
  let now: LossCounts = { ring_exec: 7, follow_full: 0 };
  const lines: string[] = [];
  const clock = new ManualClock();
  const stop = new AbortController();
  const log = pino({ base: null, timestamp: false }, { write: (line) => lines.push(line) });
  const watch = watchLosses({ read: () => now, clock, log }, stop.signal);
  await clock.advance(10_000);
  now = { ring_exec: 9, follow_full: 1, file_error: 3 };
  await clock.advance(10_000);
  await clock.advance(10_000);
  now = { ...now, ring_exec: 10 };
  stop.abort();
  await watch;
  const warning = (lost: LossCounts) => ({
    level: 40,
    lost,
    msg: "not everything was reported or kept",
  });
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    [warning({ ring_exec: 2, follow_full: 1, file_error: 3 }), warning({ ring_exec: 1 })],
  );
});
