import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Action } from "@guardbee/policy";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { aSet, onGetpriority, when } from "./testing/policies.ts";
import { run, sh } from "./testing/scene.ts";

const kernel = await openGuestKernel();
const { engine, events } = kernel;
after(() => kernel.close());

const aggregate = (window: number): Action => ({ action: "Aggregate", window });
const acting = (name: string, ...actions: readonly Action[]) =>
  aSet(name, onGetpriority({ ...when(), actions }));

/** One process that calls getpriority(2) so often, then pauses so many milliseconds, and again. */
function calls(times: number, paused = 0): Promise<unknown> {
  const loop = `for (let i = 0; i < ${times}; i++) os.getPriority(0)`;
  return run("node", "-e", `${loop}; setTimeout(() => { ${loop} }, ${paused})`);
}

/** What is reported while `scene` runs, and what was held back of it. */
async function seen(scene: () => unknown) {
  const before = engine.losses().aggregated;
  const { hooks } = await events.during(scene);
  return { hooks, heldBack: Number(engine.losses().aggregated - before) };
}

test("of each process the first call goes out, and the others are counted", async () => {
  await kernel.program([acting("p", aggregate(3600))]);
  const { hooks, heldBack } = await seen(async () => {
    await calls(50);
    await calls(50);
  });
  assert.deepEqual(
    hooks.map(({ action }) => action),
    ["Aggregate", "Aggregate"],
  );
  assert.equal(new Set(hooks.map(({ pid }) => pid)).size, 2);
  assert.equal(heldBack, 198);
});

test("a window ends, and the next call goes out", async () => {
  await kernel.program([acting("p", aggregate(1))]);
  const { hooks, heldBack } = await seen(() => calls(1, 1200));
  assert.deepEqual([hooks.length, heldBack], [2, 0]);
});

test("another program in the same process begins anew", async () => {
  await kernel.program([acting("p", aggregate(3600))]);
  const { hooks, heldBack } = await seen(() => sh("exec nice nice nice true"));
  const keys = new Set(hooks.map(({ pid }) => pid));
  assert.deepEqual([hooks.length, keys.size, heldBack], [3, 1, 0]);
});

test("neither another policy nor another selector is held back", async () => {
  const byProcess = onGetpriority(
    {
      conditions: [{ by: "arg", arg: 1, op: "Equal", values: ["0"] }],
      actions: [aggregate(3600)],
    },
    { conditions: [], actions: [aggregate(3600)] },
  );
  await kernel.program([aSet("two", byProcess), acting("each")]);
  const script = "for (let i = 0; i < 3; i++) { os.getPriority(0); os.getPriority(process.pid) }";
  const { hooks, heldBack } = await seen(() => run("node", "-e", script));
  const of = (name: string) => hooks.filter(({ policy }) => policy === `tracingpolicy.${name}`);
  assert.deepEqual(
    of("two").map(({ selector }) => selector),
    [0, 1],
  );
  assert.deepEqual([of("each").length, heldBack], [6, 4]);
});

test("more selectors than there is memory for hold less back, and lose nothing", async () => {
  const names = Array.from({ length: 20 }, (_, i) => `p${10 + i}`);
  await kernel.program(names.map((name) => acting(name, aggregate(3600))));
  const { hooks, heldBack } = await seen(() => calls(3));
  assert.equal(hooks.length + heldBack, 20 * 6);
  assert.equal(new Set(hooks.map(({ policy }) => policy)).size, 20);
});

test("what stops, stops each call, reported or not", async () => {
  const signal: Action = { action: "Signal", signal: 28 }; // SIGWINCH, which ends nothing
  const set = acting("p", signal, aggregate(3600));
  await kernel.program([set]);
  const { hooks, heldBack } = await seen(() => calls(5));
  assert.deepEqual(
    hooks.map(({ stopped }) => stopped),
    [true],
  );
  assert.equal(heldBack, 9);
  assert.equal(engine.stops(new Set([set.name])).get(set.name)?.stopped, 10);
});
