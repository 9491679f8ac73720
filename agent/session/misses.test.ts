import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@guardbee/kube";
import { pino } from "pino";
import type { MissedCalls } from "../engine.ts";
import { FakeEngine } from "./fake-engine.ts";
import { Misses } from "./misses.ts";
import { aSet, aWorld, list, putSet, start, status, until } from "./test-node.ts";

const log = pino({ level: "silent" });

function missed(program: number, changes: Partial<MissedCalls> = {}): MissedCalls {
  return { attachment: "fentry:fd_install", id: 7, program, link: 0, sets: ["a"], ...changes };
}

function message(attachment: string, times: number, more = ""): string {
  return `calls went unseen: the kernel skipped ${attachment} at least ${times} times of late${more}; it is told until there were none for ten minutes`;
}

function someMisses() {
  const engine = new FakeEngine();
  const clock = new ManualClock();
  const told: string[] = [];
  const misses = new Misses({
    engine,
    onChange: () => told.push(misses.sets().get("a")?.message ?? "none"),
    ...{ clock, log },
  });
  const readAt = async (ms: number, ...all: readonly MissedCalls[]) => {
    await clock.advance(ms - clock.monotonic());
    engine.missed = all;
    misses.read();
    return Object.fromEntries([...misses.sets()].map(([name, one]) => [name, one.message]));
  };
  return { engine, clock, misses, told, readAt };
}

test("a count that grows is told in steps of what is new, and no longer after ten quiet minutes", async () => {
  const { readAt } = someMisses();
  assert.deepEqual(await readAt(0, missed(0)), {});
  assert.deepEqual(await readAt(5_000, missed(3)), { a: message("fentry:fd_install", 2) });
  assert.deepEqual(await readAt(10_000, missed(27)), { a: message("fentry:fd_install", 20) });
  assert.deepEqual(await readAt(610_000, missed(27)), { a: message("fentry:fd_install", 20) });
  assert.deepEqual(await readAt(610_001, missed(27)), {});
  assert.deepEqual(await readAt(700_000, missed(28)), { a: message("fentry:fd_install", 1) });
});

test("what was counted before the agent ran counts as new", async () => {
  const { readAt } = someMisses();
  assert.deepEqual(await readAt(0, missed(5)), { a: message("fentry:fd_install", 5) });
});

test("a program that is attached anew counts anew, and one that is gone is forgotten", async () => {
  const { readAt } = someMisses();
  await readAt(0, missed(5));
  const [first, second] = [1, 2].map((program) => missed(program, { id: 8 }));
  assert.deepEqual(await readAt(5_000, first!), { a: message("fentry:fd_install", 1) });
  assert.deepEqual(await readAt(10_000, second!), { a: message("fentry:fd_install", 2) });
  assert.deepEqual(await readAt(15_000), {});
});

test("each set is told of the program that missed most, and how many others did", async () => {
  const { readAt } = someMisses();
  const kprobe = missed(1, { attachment: "kprobe:sys", link: 5, sets: ["a", "b"] });
  assert.deepEqual(await readAt(0, missed(2), kprobe, missed(9, { id: 9, sets: [] })), {
    a: message("kprobe:sys", 5, " +1 more"),
    b: message("kprobe:sys", 5),
  });
});

test("a kernel that cannot be read does not make it none", async () => {
  const { engine, misses, readAt } = someMisses();
  await readAt(0, missed(1));
  engine.broken = true;
  misses.read();
  assert.equal(misses.sets().size, 1);
});

test("a change is told once, while it runs", async () => {
  const { engine, clock, misses, told } = someMisses();
  const end = new AbortController();
  const run = misses.run(end.signal);
  await clock.asleep(1);
  for (const count of [0, 1, 1, 2, 3, 4, 5]) {
    engine.missed = [missed(count)];
    await clock.advance(5_000);
    await clock.asleep(1);
  }
  end.abort();
  await run;
  assert.deepEqual(
    told,
    [1, 2, 5].map((times) => message("fentry:fd_install", times)),
  );
});

test("a set that missed calls is an exception of its node, and comes back", async (t) => {
  const world = aWorld(t);
  const hash = putSet(world, "a", aSet("a"));
  putSet(world, "b", aSet("b"));
  list(world, "a", "b");
  await start(world);
  await until(world, "a report", () => status(world).digest !== undefined);
  const before = status(world);
  assert.deepEqual(before.sets, { programmed: 2, failed: 0, pending: 0 });
  world.engine.missed = [missed(1)];
  await until(world, "the exception", () => status(world).exceptions !== undefined);
  assert.deepEqual(status(world).exceptions, [
    {
      ...{ set: "a", hash, state: "failed", reason: "CallsMissed" },
      message: message("fentry:fd_install", 1),
    },
  ]);
  assert.deepEqual(status(world).sets, { programmed: 1, failed: 1, pending: 0 });
  assert.notEqual(status(world).digest, before.digest);
  await world.clock.advance(10 * 60_000);
  await until(world, "its end", () => status(world).exceptions === undefined);
  assert.deepEqual(status(world), before);
});
