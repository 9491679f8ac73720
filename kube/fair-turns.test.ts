import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FairTurns } from "./fair-turns.ts";
import { queueShares } from "./work-queue.ts";

const namespaceOf = (key: string) => (key.includes("/") ? key.split("/", 1)[0] : undefined);

function turnsOf(workers: number, ...keys: readonly string[]): FairTurns<string> {
  const turns = new FairTurns<string>(queueShares(workers));
  for (const key of keys) turns.add(key, namespaceOf(key));
  return turns;
}

/** What is started until nothing more may. */
function started(turns: FairTurns<string>): readonly string[] {
  const keys: string[] = [];
  for (let key = turns.take(); key !== undefined; key = turns.take()) keys.push(key);
  return keys;
}

test("namespaces come round one after the other, and the cluster among them", () => {
  const turns = turnsOf(20, "a/1", "a/2", "a/3", "b/1", "c", "b/2", "d");
  assert.deepEqual(started(turns), ["a/1", "b/1", "c", "a/2", "b/2", "d", "a/3"]);
});

test("one namespace has no more than half of what the cluster leaves, also alone", () => {
  const turns = turnsOf(8, "a/1", "a/2", "a/3", "a/4");
  assert.deepEqual(started(turns), ["a/1", "a/2", "a/3"]);
  turns.finish("a");
  assert.deepEqual(started(turns), ["a/4"]);
});

test("a worker is left for the cluster, and the cluster may have them all", () => {
  const turns = turnsOf(3, "a/1", "b/1", "c/1", "c/2");
  assert.deepEqual(started(turns), ["a/1", "b/1"]);
  turns.add("x", undefined);
  assert.deepEqual(started(turns), ["x"]);
  assert.deepEqual(started(turnsOf(3, "x", "y", "z")), ["x", "y", "z"]);
});

test("whatever is asked: every key starts once, bounds hold, no worker idles for no reason", () => {
  const key = fc
    .tuple(fc.constantFrom("", "a/", "b/", "c/", "d/"), fc.nat(9))
    .map(([owner, id]) => `${owner}${id}`);
  fc.assert(
    fc.property(
      fc.array(fc.oneof(key, fc.constant("finish"))),
      fc.integer({ min: 1, max: 6 }),
      (steps, workers) => {
        const turns = new FairTurns<string>(queueShares(workers));
        const waiting = new Set<string>();
        const active: string[] = [];
        const of = (owner: string | undefined) =>
          active.filter((one) => namespaceOf(one) === owner).length;
        const forNamespaces = Math.max(workers - 1, 1);
        for (const step of steps) {
          if (step === "finish") {
            const [ended] = active.splice(0, 1);
            if (ended !== undefined) turns.finish(namespaceOf(ended));
          } else {
            turns.add(step, namespaceOf(step));
            waiting.add(step);
          }
          for (const taken of started(turns)) {
            assert.ok(waiting.delete(taken));
            active.push(taken);
          }
          assert.ok(active.length <= workers);
          assert.ok(active.length - of(undefined) <= forNamespaces);
          for (const one of waiting) {
            const owner = namespaceOf(one);
            const full = active.length === workers;
            const share = of(owner) >= Math.max(forNamespaces >> 1, 1);
            const shares = active.length - of(undefined) >= forNamespaces;
            assert.ok(full || (owner !== undefined && (share || shares)), one);
          }
        }
      },
    ),
  );
});
