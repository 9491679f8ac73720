import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@guardbee/kube";
import { pino } from "pino";
import { FakeEngine } from "./fake-engine.ts";
import { LossReports } from "./losses.ts";
import { aSet, aWorld, list, putSet, start, status, until } from "./test-node.ts";

test("each cause that was is told in steps", () => {
  const engine = new FakeEngine();
  const clock = new ManualClock();
  const losses = new LossReports({
    ...{ engine, onChange: () => {}, clock },
    pods: {
      byCgroup: (id) =>
        id < 8n ? ({ pod: { namespace: "shop", name: `cart-${id}` } } as never) : undefined,
    },
    log: pino({ level: "silent" }),
  });
  losses.read();
  assert.deepEqual(losses.list(), []);
  engine.losses.set("ring_stop", 7).set("follow_full", 1).set("ring_exec", 0);
  losses.read();
  const told = [
    { cause: "ring_stop", count: 5 },
    { cause: "follow_full", count: 1 },
  ];
  assert.deepEqual(losses.list(), told);
  engine.crowded.set("ring_stop", [7n, 8n, 1n, 7n]).set("follow_full", [8n]);
  losses.read();
  const named = [{ ...told[0]!, pods: ["shop/cart-1", "shop/cart-7"] }, told[1]!];
  assert.deepEqual(losses.list(), named, "those that are known");
  engine.crowded.set("ring_stop", [6n, 5n, 4n, 3n, 2n, 1n]);
  losses.read();
  assert.deepEqual(
    losses.list()[0]?.pods,
    [1, 2, 3, 4, 5].map((pod) => `shop/cart-${pod}`),
  );
  engine.crowded.clear();
  losses.read();
  engine.lost = () => {
    throw new Error("EPERM");
  };
  losses.read();
  assert.deepEqual(losses.list(), told, "what cannot be read stays");
});

test("a node whose kernel refuses to notice who leaves its pod says so until it does", async (t) => {
  const world = aWorld(t);
  list(world);
  const moved = { count: 0, last: [] };
  world.engine.moved = { ...moved, unseen: "load cgroup_leave: EINVAL" };
  await start(world);
  await until(world, "the reason", () => status(world).movesUnseen !== undefined);
  assert.equal(status(world).movesUnseen, "load cgroup_leave: EINVAL");
  world.engine.moved = moved;
  await until(world, "no reason", () => status(world).movesUnseen === undefined);
});

test("a node reports what its kernel lost, and how many processes were taken out of their pods", async (t) => {
  const world = aWorld(t);
  putSet(world, "a", aSet("a"));
  list(world, "a");
  await start(world);
  await until(world, "a report", () => status(world).digest !== undefined);
  assert.equal(status(world).losses, undefined);
  assert.equal(status(world).moved, undefined);
  world.engine.losses.set("ring_stop", 1);
  world.engine.moved = { count: 3, last: [] };
  await until(world, "the losses", () => status(world).losses !== undefined);
  await until(world, "the moves", () => status(world).moved !== undefined);
  assert.deepEqual(status(world).losses, [{ cause: "ring_stop", count: 1 }]);
  assert.equal(status(world).moved, 2);
});
