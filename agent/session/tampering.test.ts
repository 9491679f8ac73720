import assert from "node:assert/strict";
import { test } from "node:test";
import type { Difference } from "../engine.ts";
import { tamperedSets } from "./tampered.ts";
import {
  aSet,
  aWorld,
  isProgrammed,
  list,
  pass,
  putSet,
  start,
  status,
  until,
  type World,
} from "./test-node.ts";

const pin = { kind: "pin", what: "/sys/fs/bpf/guardbee/x" } as const;
const table = { kind: "table", what: "rows", sets: ["a"] } as const;

const exceptions = (world: World) => status(world).exceptions ?? [];
const tampered = (world: World) => status(world).tampered;

async function aNode(t: Parameters<typeof aWorld>[0]) {
  const world = aWorld(t);
  putSet(world, "a");
  putSet(world, "b", aSet("b"));
  list(world, "a", "b");
  const { session } = await start(world);
  await until(world, "programmed", () => isProgrammed(world, "a", "b"));
  await until(world, "reported", () => "digest" in status(world));
  return { world, session };
}

test("what is repaired at once is counted, and the status says when", async (t) => {
  const { world, session } = await aNode(t);
  assert.equal(tampered(world), undefined);
  world.engine.differences = [{ ...pin, state: "repaired" }];
  await until(world, "found", () => session.tampered().pin.found === 1);
  world.engine.differences = [];
  await until(world, "reported", () => tampered(world) !== undefined);
  assert.deepEqual(session.tampered().pin, { found: 1, repaired: 1 });
  const { count, lastTime } = tampered(world) as { count: number; lastTime: string };
  assert.equal(count, 1);
  assert.match(lastTime, /:00Z$/);
  assert.deepEqual(exceptions(world), []);
});

test("tables are programmed again, and until they are the sets that they are of are not held", async (t) => {
  const { world, session } = await aNode(t);
  const calls = world.engine.programmed.length;
  world.engine.differences = [{ ...table, state: "programmable" }];
  await until(world, "programmed again", () => world.engine.programmed.length > calls);
  await until(
    world,
    "excepted",
    () => Array.isArray(exceptions(world)) && tampered(world) !== undefined,
  );
  const [exception, ...others] = exceptions(world) as Record<string, unknown>[];
  assert.deepEqual(others, []);
  assert.deepEqual(
    [exception?.set, exception?.state, exception?.reason, exception?.message],
    [
      "a",
      "failed",
      "Tampered",
      "it may not hold: somebody changed or removed rows (is being repaired)",
    ],
  );
  assert.deepEqual(session.tampered().table, { found: 1, repaired: 0 });
  world.engine.differences = [];
  await until(world, "held again", () => (exceptions(world) as unknown[]).length === 0);
  assert.deepEqual(session.tampered().table, { found: 1, repaired: 1 });
});

test("what cannot be repaired is no set's cause to be held, and is found once", async (t) => {
  const { world, session } = await aNode(t);
  world.engine.differences = [
    { kind: "switch", what: "ftrace", state: "failed", message: "EROFS" },
  ];
  await until(world, "excepted", () => (exceptions(world) as unknown[]).length === 2);
  await pass(world, 30_000);
  assert.deepEqual(session.tampered().switch, { found: 1, repaired: 0 });
});

test("of many differences a message names three", () => {
  const all = Array.from({ length: 5 }, (_, i): Difference => {
    return { kind: "pin", what: `p${i}`, state: "failed", message: "EROFS" };
  });
  const set = { name: "a", hash: "1", set: aSet("a") };
  assert.deepEqual(
    [...tamperedSets([set], all)].map(([name, { message }]) => `${name}: ${message}`),
    [
      "a: it may not hold: somebody changed or removed p0 (cannot be repaired: EROFS); p1 (cannot be repaired: EROFS); p2 (cannot be repaired: EROFS) +2 more",
    ],
  );
});
