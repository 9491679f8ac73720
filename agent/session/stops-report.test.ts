import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { hashSets } from "@guardbee/policy";
import { resourceOf } from "@guardbee/policy/sets";
import { FakeEngine } from "./fake-engine.ts";
import { aSet, aWorld, list, pass, start, status, until, type World } from "./test-node.ts";

/** A set whose stops the operator asks for; gives back its hash. */
function putCounted({ api }: World, name: string, countStops = true): string {
  const sets = [aSet(name)];
  const spec = { hash: hashSets(sets), sets, ...(countStops ? { countStops } : {}) };
  api.put(resourceOf("SelectorSet"), { metadata: { name }, spec });
  return spec.hash;
}

test("what the kernel has counted is reported, of the sets that somebody asks about", async (t) => {
  const world = aWorld(t);
  const hash = putCounted(world, "a");
  putCounted(world, "b", false);
  list(world, "a", "b");
  await start(world);
  await until(world, "a report", () => status(world).digest !== undefined);
  assert.equal(status(world).stops, undefined);
  const counts = { stopped: 3, wouldStop: 0, ofProtected: 1 };
  for (const name of ["a", "b"]) world.engine.stopped.set(name, { hash, ...counts });
  await until(world, "its stops", () => status(world).stops !== undefined);
  assert.deepEqual(status(world).stops, [{ set: "a", hash, count: 2, ofProtected: 1 }]);
});

test("the first report of an agent that restarts has what was stopped before", async (t) => {
  const world = aWorld(t);
  const hash = putCounted(world, "a");
  list(world, "a");
  const first = await start(world);
  world.engine.stopped.set("a", { hash, stopped: 0, wouldStop: 5, ofProtected: 0 });
  await until(world, "its stops", () => status(world).stops !== undefined);
  await first.stop();
  const reports = world.api.applied.length;
  const engine = new FakeEngine();
  engine.stopped.set("a", { hash, stopped: 0, wouldStop: 11, ofProtected: 0 });
  await start({ ...world, engine });
  await until(world, "another report", () => world.api.applied.length > reports);
  assert.deepEqual(status(world).stops, [{ set: "a", hash, count: 10 }]);
  await pass(world, 60_000);
  assert.equal(world.api.applied.length, reports + 1, "no report without them came between");
});

test("an agent that finds what an earlier version saved asks what is to be counted", async (t) => {
  const world = aWorld(t);
  const hash = putCounted(world, "a");
  list(world, "a");
  const first = await start(world);
  const file = join(world.stateFolder, "desired.json");
  await until(world, "the file", () => existsSync(file));
  await first.stop();
  const saved = readFileSync(file, "utf8");
  const older = saved.replace(/,\s*"countStops":\s*true/, "");
  assert.notEqual(older, saved);
  writeFileSync(file, older);
  const engine = new FakeEngine();
  engine.stopped.set("a", { hash, stopped: 1, wouldStop: 0, ofProtected: 0 });
  await start({ ...world, engine });
  await until(world, "its stops", () => status(world).stops !== undefined);
});

test("of more sets than a status lists the others are counted, so that nobody takes them for none", async (t) => {
  const world = aWorld(t);
  const names = Array.from({ length: 53 }, (_, i) => `s${100 + i}`);
  for (const name of names) {
    const hash = putCounted(world, name);
    world.engine.stopped.set(name, { hash, stopped: 1, wouldStop: 0, ofProtected: 0 });
  }
  list(world, ...names);
  await start(world);
  await until(world, "their stops", () => status(world).stops !== undefined);
  assert.equal((status(world).stops as readonly unknown[]).length, 50);
  assert.equal(status(world).stopsOmitted, 3);
});

test("sets whose stops cannot be read are counted as those not listed, until they can", async (t) => {
  const world = aWorld(t);
  const hash = putCounted(world, "a");
  putCounted(world, "b");
  putCounted(world, "c", false);
  world.engine.stopsBroken = true;
  list(world, "a", "b", "c");
  await start(world);
  await until(world, "a report", () => status(world).digest !== undefined);
  assert.equal(status(world).stopsOmitted, 2);
  world.engine.stopsBroken = false;
  world.engine.stopped.set("a", { hash, stopped: 1, wouldStop: 0, ofProtected: 0 });
  await until(world, "its stops", () => status(world).stops !== undefined);
  assert.equal(status(world).stopsOmitted, undefined);
  world.engine.stopsBroken = true;
  await until(world, "a report of doubt", () => status(world).stopsOmitted === 1);
  assert.deepEqual(status(world).stops, [{ set: "a", hash, count: 1 }]);
});
