import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { pino } from "pino";
import { KubeError } from "./kube-error.ts";
import { Loop, type LoopOptions, type NextStep } from "./loop.ts";
import { ManualClock } from "./manual-clock.ts";

let clock: ManualClock;
let stop: AbortController;
/** When each step began, in ms since the start. */
let steps: number[];
let lines: Record<string, unknown>[];
let run: Promise<void> | undefined;
beforeEach(() => {
  clock = new ManualClock(0);
  stop = new AbortController();
  steps = [];
  lines = [];
  run = undefined;
});
afterEach(async () => {
  stop.abort();
  await run;
});

function aLoop(step: LoopOptions["step"], options: Partial<LoopOptions> = {}): Loop {
  const log = pino(
    { base: null, timestamp: false },
    {
      write: (line: string) => {
        const { err, ...facts } = JSON.parse(line);
        lines.push({ ...facts, err: err?.message });
      },
    },
  );
  const loop = new Loop({
    failure: "it cannot be done",
    clock,
    log,
    ...options,
    step: (signal) => {
      steps.push(clock.monotonic());
      return step(signal);
    },
  });
  return loop;
}

function running(...loop: Parameters<typeof aLoop>): Loop {
  const made = aLoop(...loop);
  run = made.run(stop.signal);
  return made;
}

const nothingDue = async (): Promise<NextStep> => ({});

test("a step is taken at the start, when woken, and when the one before asked for it", async () => {
  const asked: NextStep[] = [{ againInMs: 300 }, {}, {}];
  const loop = running(async () => asked.shift() ?? {});
  await clock.advance(1_000);
  assert.deepEqual(steps, [0, 300]);
  loop.wake();
  await clock.advance(1_000);
  assert.deepEqual(steps, [0, 300, 1_000]);
});

test("a first step can be put off, and a wake brings it forward", async () => {
  const loop = running(nothingDue, { firstInMs: 200 });
  await clock.advance(100);
  assert.deepEqual(steps, []);
  loop.wake();
  await clock.advance(1_000);
  assert.deepEqual(steps, [100]);
});

test("a loop that nobody wakes looks again after an hour", async () => {
  running(nothingDue);
  await clock.advance(3_600_000);
  assert.deepEqual(steps, [0, 3_600_000]);
});

test("a wake before a step is done with it; one during a step, or more, are one step more", async () => {
  const loop: Loop = aLoop(async () => {
    if (steps.length === 1) loop.wake();
    await clock.sleep(50, stop.signal);
    return {};
  });
  loop.wake();
  run = loop.run(stop.signal);
  loop.wake();
  await clock.advance(1_000);
  assert.deepEqual(steps, [0, 50]);
});

test("steps that fail are tried again with back-off, which a success ends", async () => {
  let failing = 5;
  running(
    async () => {
      if (failing-- > 0) throw new Error("no");
      return { againInMs: 10 };
    },
    { backOff: { firstMs: 100, maxMs: 500 } },
  );
  await clock.advance(1_700);
  assert.deepEqual(steps, [0, 100, 300, 700, 1_200, 1_700]);
  failing = 1;
  await clock.advance(120);
  assert.deepEqual(steps.slice(6), [1_710, 1_810, 1_820]);
});

test("each failure is logged once, with how many there were and when it is tried again", async () => {
  let failing = 2;
  running(
    async () => {
      if (failing-- > 0) throw new Error(`no ${failing}`);
      return {};
    },
    { level: "error" },
  );
  await clock.advance(10_000);
  const facts = { level: 50, msg: "it cannot be done" };
  assert.deepEqual(lines, [
    { ...facts, err: "no 1", failures: 1, againInMs: 1_000 },
    { ...facts, err: "no 0", failures: 2, againInMs: 2_000 },
  ]);
});

test("a server that asks to wait is not asked again before, and not by a fleet at once", async () => {
  const refusal = { status: 429, reason: "TooManyRequests", message: "wait", retryAfterMs: 9_000 };
  running(() => Promise.reject(new KubeError("GET /x", refusal)), { random: () => 0.5 });
  await clock.advance(10_000);
  assert.deepEqual(steps, [0, 9_750]);
});

test("a wake ends the wait after a failure", async () => {
  const loop = running(() => Promise.reject(new Error("no")));
  await clock.advance(100);
  loop.wake();
  await clock.advance(100);
  assert.deepEqual(steps, [0, 100]);
  assert.equal(loop.failures, 2);
});

test("where it must not, a wake counts when the wait after a failure is over", async () => {
  const loop = running(
    async () => {
      if (steps.length === 1) throw new Error("no");
      return {};
    },
    { wakeEndsBackOff: false },
  );
  await clock.advance(100);
  loop.wake();
  await clock.advance(899);
  assert.deepEqual(steps, [0]);
  await clock.advance(1);
  assert.deepEqual(steps, [0, 1_000]);
  assert.equal(loop.failures, 0);
});

test("abort ends the wait, and a step under way is waited for", async () => {
  let ended = false;
  running(async () => {
    await clock.sleep(500, new AbortController().signal);
    ended = true;
    return { againInMs: 1 };
  });
  await clock.advance(100);
  stop.abort();
  await clock.advance(400);
  await run;
  assert.equal(ended, true);
  assert.deepEqual(steps, [0]);
});

test("a step that ends by the abort is no failure", async () => {
  running(async (signal) => {
    await clock.sleep(500, signal);
    return {};
  });
  await clock.advance(100);
  stop.abort();
  await run;
  assert.deepEqual(lines, []);
});

test("a loop that is aborted before it runs takes no step", async () => {
  stop.abort();
  running(nothingDue);
  await run;
  assert.deepEqual(steps, []);
});
