import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { FairSlots } from "./fair-slots.ts";
import type { TurnOwner, TurnShares } from "./fair-turns.ts";

const never = new AbortController().signal;

/** Slots that write down who got one, in order. */
function recording(shares: Omit<TurnShares, "cluster">) {
  const slots = new FairSlots(shares);
  const got: string[] = [];
  const releases: (() => void)[] = [];
  const ask = (owner: TurnOwner, signal = never) =>
    slots.acquire(owner, signal).then(
      (release) => {
        got.push(owner ?? "cluster");
        releases.push(release);
      },
      (reason) => got.push(`${owner ?? "cluster"} ${reason}`),
    );
  /** Gives back the slot that was got the longest ago, until nobody waits. */
  const drain = async () => {
    for (await setImmediate(); releases.length > 0; await setImmediate()) releases.shift()!();
  };
  return { ask, got, drain };
}

test("namespaces take turns, however much one asks for", async () => {
  const { ask, got, drain } = recording({ size: 1, reserved: 0, perNamespace: 1 });
  for (let i = 0; i < 5; i++) ask("loud");
  for (const quiet of ["a", "b"]) ask(quiet);
  await drain();
  assert.deepEqual(got, ["loud", "loud", "a", "b", "loud", "loud", "loud"]);
});

test("the cluster's own goes before all that wait, and finds a slot that is kept for it", async () => {
  const { ask, got, drain } = recording({ size: 2, reserved: 1, perNamespace: 2 });
  for (let i = 0; i < 3; i++) ask("loud");
  await setImmediate();
  assert.deepEqual(got, ["loud"]);
  ask(undefined);
  await setImmediate();
  assert.deepEqual(got, ["loud", "cluster"]);
  ask(undefined);
  await drain();
  assert.deepEqual(got, ["loud", "cluster", "cluster", "loud", "loud"]);
});

test("a namespace has no more than its share of free slots", async () => {
  const { ask, got, drain } = recording({ size: 4, reserved: 0, perNamespace: 1 });
  for (const owner of ["a", "a", "b", "a"]) ask(owner);
  await setImmediate();
  assert.deepEqual(got, ["a", "b"]);
  await drain();
  assert.deepEqual(got, ["a", "b", "a", "a"]);
});

test("who leaves the line leaves no slot behind", async () => {
  const { ask, got, drain } = recording({ size: 1, reserved: 0, perNamespace: 1 });
  const stop = new AbortController();
  ask("a");
  ask("b", stop.signal);
  ask("c");
  await setImmediate();
  stop.abort("left");
  await drain();
  assert.deepEqual(got, ["a", "b left", "c"]);
  ask("d", stop.signal);
  ask("e");
  await drain();
  assert.deepEqual(got.slice(3).sort(), ["d left", "e"]);
});
