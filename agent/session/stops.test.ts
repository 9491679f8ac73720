import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@guardbee/kube";
import { pino } from "pino";
import { FakeEngine } from "./fake-engine.ts";
import { Stops } from "./stops.ts";

const log = pino({ level: "silent" });
const counted = { stopped: 0, wouldStop: 0, ofProtected: 0 };

function aCount(names: readonly string[]) {
  const engine = new FakeEngine();
  const clock = new ManualClock();
  const steps: number[] = [];
  const stops = new Stops({
    engine,
    watched: () => names.map((name) => ({ name })),
    onChange: () => steps.push(stops.of("a", "1").count),
    ...{ clock, log },
  });
  return { engine, clock, stops, steps };
}

test("stops are told in steps, and a step that is told once is not told again", async () => {
  const { engine, clock, stops, steps } = aCount(["a"]);
  const end = new AbortController();
  const run = stops.run(end.signal);
  await clock.asleep(1);
  const kernel = [0, 1, 1, 2, 4, 5, 9, 10, 19, 20, 49, 50, 99, 100, 1e9, 7e9];
  for (const stopped of kernel) {
    engine.stopped.set("a", { ...counted, hash: "1", stopped });
    await clock.advance(2_000);
    await clock.asleep(1);
  }
  end.abort();
  await run;
  assert.deepEqual(steps, [1, 2, 5, 10, 20, 50, 100, 1e9]);
});

test("what was stopped and what would have been count together, of protected processes apart", () => {
  const { engine, stops } = aCount(["a"]);
  engine.stopped.set("a", { hash: "1", stopped: 6, wouldStop: 5, ofProtected: 3 });
  stops.read();
  assert.deepEqual(stops.of("a", "1"), { count: 10, ofProtected: 2 });
});

test("only the content that is in force counts, and the sets of one object together", () => {
  const sets = ["regopolicy.x#tracingpolicy.p", "regopolicy.x#tracingpolicy.q"];
  const { engine, stops } = aCount(sets);
  for (const name of sets) engine.stopped.set(name, { ...counted, hash: "2", stopped: 1 });
  stops.read();
  assert.deepEqual(
    [stops.of("regopolicy.x", "2").count, stops.of("regopolicy.x", "1").count],
    [2, 0],
  );
});

test("a kernel that cannot be read does not make it none", () => {
  const { engine, stops } = aCount(["a"]);
  engine.stopped.set("a", { ...counted, hash: "1", stopped: 1 });
  stops.read();
  engine.broken = true;
  stops.read();
  assert.equal(stops.of("a", "1").count, 1);
});
