import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import pino from "pino";
import type { Clock } from "./clock.ts";
import { KubeError } from "./kube-error.ts";
import { ManualClock } from "./manual-clock.ts";
import { after, done, type Outcome, WorkQueue, type WorkQueueOptions } from "./work-queue.ts";

let clock: ManualClock;
let stop: AbortController;
let worked: string[];
let run: Promise<void> | undefined;
beforeEach(() => {
  clock = new ManualClock();
  stop = new AbortController();
  worked = [];
  run = undefined;
});
afterEach(async () => {
  stop.abort();
  await run;
});

function aQueue(
  work: (key: string) => Promise<Outcome> = async () => done,
  options: Partial<WorkQueueOptions> = {},
): WorkQueue {
  const queue = new WorkQueue({ clock, log: pino({ level: "silent" }), ...options });
  run = queue.run((key) => {
    worked.push(key);
    return work(key);
  }, stop.signal);
  return queue;
}

test("a key added twice is worked on once", async () => {
  const queue = aQueue();
  queue.add("a");
  queue.add("a");
  await clock.advance(0);
  assert.deepEqual(worked, ["a"]);
});

test("a key added while it is worked on is worked on again, not twice at once", async () => {
  const ends: (() => void)[] = [];
  const queue = aQueue(() => new Promise((resolve) => ends.push(() => resolve(done))));
  queue.add("a");
  await clock.advance(0);
  queue.add("a");
  await clock.advance(1000);
  assert.deepEqual(worked, ["a"]);
  ends[0]?.();
  await clock.advance(0);
  assert.deepEqual(worked, ["a", "a"]);
  ends[1]?.();
});

test("the earliest time asked for counts", async () => {
  const queue = aQueue();
  queue.add("a", 5000);
  queue.add("a", 1000);
  queue.add("a", 9000);
  await clock.advance(999);
  assert.deepEqual(worked, []);
  await clock.advance(1);
  assert.deepEqual(worked, ["a"]);
  await clock.advance(20_000);
  assert.deepEqual(worked, ["a"]);
});

test("a failure is tried again after a delay that doubles, and success resets it", async () => {
  let failures = 3;
  const queue = aQueue(async () => {
    if (failures-- > 0) throw new Error("no");
    return done;
  });
  queue.add("a");
  await clock.advance(0);
  const counts: number[] = [];
  for (const delayMs of [499, 1, 999, 1, 2000]) {
    await clock.advance(delayMs);
    counts.push(worked.length);
  }
  assert.deepEqual(counts, [1, 2, 2, 3, 4]);
  failures = 1;
  queue.add("a");
  await clock.advance(500);
  assert.equal(worked.length, 6);
});

test("a delay that the server asked for is kept", async () => {
  const refusal = { status: 429, reason: "TooManyRequests", message: "wait", retryAfterMs: 9000 };
  const queue = aQueue(async () => {
    throw new KubeError("GET /x", refusal);
  });
  queue.add("a");
  await clock.advance(8999);
  assert.equal(worked.length, 1);
  await clock.advance(1);
  assert.equal(worked.length, 2);
});

test("after asks for the key again later", async () => {
  const queue = aQueue(async () => after(3000));
  queue.add("a");
  await clock.advance(3000);
  assert.deepEqual(worked, ["a", "a"]);
});

test("no more keys than concurrency are worked on at once", async () => {
  const ends: (() => void)[] = [];
  const work = () => new Promise<Outcome>((resolve) => ends.push(() => resolve(done)));
  const queue = aQueue(work, { concurrency: 2 });
  for (const key of ["a", "b", "c"]) queue.add(key);
  await clock.advance(0);
  assert.deepEqual(worked, ["a", "b"]);
  assert.deepEqual(queue.depth(), { later: 0, due: 1, active: 2, overdueMs: 0 });
  queue.add("d", 5000);
  await clock.advance(1500);
  assert.deepEqual(queue.depth(), { later: 1, due: 1, active: 2, overdueMs: 1500 });
  ends[0]?.();
  await clock.advance(0);
  assert.deepEqual(worked, ["a", "b", "c"]);
  for (const end of ends) end();
});

test("eight tenants whose keys take long do not hold up a key of the cluster, nor each other", async () => {
  const slowMs = 60_000;
  const work = async (key: string) => {
    if (key.includes("/")) await clock.sleep(slowMs, stop.signal);
    return done;
  };
  const namespaceOf = (key: string) => (key.includes("/") ? key.split("/", 1)[0] : undefined);
  const queue = aQueue(work, { namespaceOf });
  for (let policy = 0; policy < 12; policy++) {
    for (let tenant = 0; tenant < 8; tenant++) queue.add(`${tenant}/${policy}`);
  }
  await clock.advance(0);
  queue.add("cluster");
  await clock.advance(0);
  assert.deepEqual(worked, ["0/0", "1/0", "2/0", "cluster"]);
  await clock.advance(2 * slowMs);
  assert.deepEqual(worked.slice(4), ["3/0", "4/0", "5/0", "6/0", "7/0", "0/1"]);
  queue.add("cluster");
  await clock.advance(0);
  assert.equal(worked.at(-1), "cluster");
});

test("a key brought forward is worked on once, at the earlier time", async () => {
  const queue = aQueue();
  queue.add("a", 9000);
  queue.add("b", 2000);
  queue.add("a", 1000);
  await clock.advance(60_000);
  assert.deepEqual(worked, ["a", "b"]);
});

test("20,000 keys cost as many looks at the line, not their square", async () => {
  let looks = 0;
  const namespaceOf = (key: string) => {
    looks++;
    return key.slice(0, 2);
  };
  const queue = aQueue(async () => done, { namespaceOf });
  for (let key = 0; key < 20_000; key++) queue.add(`${key}`);
  while (worked.length < 20_000) await clock.advance(0);
  assert.equal(looks, 40_000); // when it is put in line, and when it ends
});

test("work that waits for nothing leaves the event loop its turns", async () => {
  const end = new AbortController();
  let nowMs = 0;
  let left = 100;
  const work = async () => {
    nowMs += 2;
    if (--left === 0) end.abort();
    return done;
  };
  const busy: Clock = { now: () => nowMs, monotonic: () => nowMs, sleep: clock.sleep.bind(clock) };
  const queue = new WorkQueue({ clock: busy, log: pino({ level: "silent" }) });
  for (let key = 0; key < left; key++) queue.add(`${key}`);
  const leftAtTurn: number[] = [];
  const count = () => {
    leftAtTurn.push(left);
    if (left > 0) setImmediate(count);
  };
  setImmediate(count);
  await queue.run(work, end.signal);
  assert.equal(left, 0);
  assert.ok(leftAtTurn.length >= 8, `turns after ${leftAtTurn}`); // of 20 ms each
});

test("keys wait for a run, are not overdue before it, and wait again after it", async () => {
  const queue = new WorkQueue({ clock, log: pino({ level: "silent" }) });
  const work = async (key: string) => {
    worked.push(key);
    return after(1_000);
  };
  queue.add("a");
  await clock.advance(60_000);
  assert.deepEqual(queue.depth(), { later: 0, due: 1, active: 0, overdueMs: 0 });
  assert.equal(queue.runs, false);
  const first = new AbortController();
  const running = queue.run(work, first.signal);
  assert.equal(queue.runs, true);
  await clock.advance(0);
  assert.deepEqual(worked, ["a"]);
  first.abort();
  await running;
  assert.equal(queue.runs, false);
  queue.add("b");
  await clock.advance(60_000);
  assert.deepEqual(worked, ["a"]);
  run = queue.run(work, stop.signal);
  await clock.advance(0);
  assert.deepEqual(worked, ["a", "b", "a"]);
});
