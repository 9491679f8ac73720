import assert from "node:assert/strict";
import { test } from "node:test";
import { type KubeObject, ManualClock } from "@guardbee/kube";
import { hashSets } from "@guardbee/policy";
import { projectSet, type SetEntry } from "../fleet/objects.ts";
import { WrittenSets } from "./written-sets.ts";

const object = (generation: number, uid = "u"): KubeObject => ({
  metadata: { name: "s", uid, generation },
  spec: { hash: hashSets([]), sets: [] },
});

test("our own write counts until the watch shows it, or something newer", async () => {
  let seen: SetEntry | undefined;
  const clock = new ManualClock();
  const sets = new WrittenSets({ set: () => seen }, clock);
  assert.equal(sets.current("s"), undefined);
  sets.wrote(object(1));
  assert.equal(sets.current("s")?.generation, 1);
  seen = projectSet(object(1));
  assert.equal(sets.current("s"), seen);
  sets.wrote(object(3));
  assert.equal(sets.current("s")?.generation, 3, "the watch is behind");
  seen = projectSet(object(4));
  assert.equal(sets.current("s"), seen, "somebody changed it since");
  seen = undefined;
  assert.equal(sets.current("s"), undefined, "gone since it was seen");
});

test("a write that the watch never shows counts for ten seconds, and not for a removed policy", async () => {
  const clock = new ManualClock();
  const sets = new WrittenSets({ set: () => undefined }, clock);
  sets.wrote(object(1));
  await clock.advance(10_001);
  assert.equal(sets.current("s"), undefined);
  sets.wrote(object(2));
  sets.forget("s");
  assert.equal(sets.current("s"), undefined);
});
