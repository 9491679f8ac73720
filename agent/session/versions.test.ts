import assert from "node:assert/strict";
import { test } from "node:test";
import { hashSets, nodeDigest, rolloutPosition, type Scope } from "@guardbee/policy";
import { resourceOf } from "@guardbee/policy/sets";

import { FakeEngine } from "./fake-engine.ts";
import {
  aSet,
  aWorld,
  isProgrammed,
  list,
  NODE,
  pass,
  putSet,
  saved,
  start,
  status,
  until,
} from "./test-node.ts";

test("an edit that the kernel refuses leaves the version before, also after a restart", async (t) => {
  const world = aWorld(t);
  const scope: Scope = { host: false, pods: { namespaces: ["web"] } };
  const before = putSet(world, "a", aSet("a", { scope }));
  const other = putSet(world, "b");
  list(world, "a", "b");
  const first = await start(world);
  await until(world, "both", () => isProgrammed(world, "a", "b"));
  const edited = hashSets([aSet("a")]);
  world.engine.failing.add(edited);
  putSet(world, "a", aSet("a"));
  await until(world, "the report", () => status(world).exceptions !== undefined);
  const digest = nodeDigest([
    { name: "a", hash: before },
    { name: "b", hash: other },
  ]);
  const message = "the version before stays in force; no error injection";
  const refused = { set: "a", hash: edited, state: "failed", reason: "KernelLacks", message };
  assert.deepEqual(status(world).exceptions, [{ ...refused, holds: before }]);
  assert.equal(status(world).digest, digest);
  const held = () => world.engine.desired?.sets.map(({ hash }) => hash);
  assert.deepEqual(held(), [before, other]);
  assert.deepEqual(world.engine.scopes?.host, ["b"], "in the scope that it had");
  assert.equal(first.session.ready(), true, "no try again mends this");
  const calls = world.engine.calls.length;
  await pass(world, 60_000);
  assert.equal(world.engine.calls.length, calls);
  const written = world.api.applied.length;
  await first.stop();

  world.api.setDown(true);
  const engine = new FakeEngine();
  engine.failing.add(edited);
  const again = { ...world, engine };
  await start(again);
  await until(again, "the sets again", () => engine.desired !== undefined);
  assert.deepEqual(
    again.engine.desired?.sets.map(({ hash }) => hash),
    [before, other],
  );
  world.api.setDown(false);
  await pass(again, 120_000);
  assert.equal(world.api.applied.length, written, "all is as it was reported");

  const mended = putSet(world, "a", aSet("a", { mode: "monitor" }));
  await until(again, "the mended edit", () => engine.desired?.sets[0]?.hash === mended);
  await until(again, "its report", () => status(world).exceptions === undefined);
  const files = () => saved(world).sort().join();
  await until(again, "its file alone", () => {
    return files() === [`${mended}.json`, `${other}.json`].sort().join();
  });
});

test("an edit that the kernel was too busy for is tried again, and the version before holds till then", async (t) => {
  const world = aWorld(t);
  const before = putSet(world, "a");
  list(world, "a");
  const { session } = await start(world);
  await until(world, "the set", () => isProgrammed(world, "a"));
  const edited = hashSets([aSet("a", { mode: "monitor" })]);
  world.engine.busy.add(edited);
  putSet(world, "a", aSet("a", { mode: "monitor" }));
  await until(world, "the report", () => status(world).exceptions !== undefined);
  await pass(world, 30_000);
  assert.equal(world.engine.desired?.sets[0]?.hash, before);
  assert.equal(session.ready(), false);
  world.engine.busy.clear();
  await until(world, "the edit", () => world.engine.desired?.sets[0]?.hash === edited);
  await until(world, "its report", () => status(world).exceptions === undefined);
  assert.equal(session.ready(), true);
});

test("what was refused is tried again when the other sets change", async (t) => {
  const world = aWorld(t);
  putSet(world, "a");
  putSet(world, "b");
  list(world, "a", "b");
  await start(world);
  await until(world, "both", () => isProgrammed(world, "a", "b"));
  const edited = hashSets([aSet("a", { mode: "monitor" })]);
  world.engine.failing.add(edited);
  putSet(world, "a", aSet("a", { mode: "monitor" }));
  await until(world, "the report", () => status(world).exceptions !== undefined);
  world.engine.failing.clear(); // a limit that both exceeded together
  list(world, "a");
  await until(world, "the edit", () => world.engine.desired?.sets[0]?.hash === edited);
  await until(world, "its report", () => status(world).exceptions === undefined);
});

test("in a roll-out a node holds the version before until the share reaches it", async (t) => {
  const world = aWorld(t);
  const [before, after] = [[aSet("a")], [aSet("a", { mode: "monitor" })]];
  const previous = { hash: hashSets(before), sets: before };
  const position = rolloutPosition("a", NODE);
  const putShare = (share: number, rest: object = { previous }) => {
    const rollout = { wave: 0, startedAt: "2026-01-01T00:00:00Z", share, ...rest };
    const spec = { hash: hashSets(after), sets: after, rollout };
    world.api.put(resourceOf("SelectorSet"), { metadata: { name: "a" }, spec });
  };
  const digestOf = (hash: string) => nodeDigest([{ name: "a", hash }]);
  putShare(position, {});
  list(world, "a");
  const first = await start(world);
  await until(world, "nothing", () => status(world).digest === digestOf(hashSets([])));
  putShare(position);
  await until(world, "the version before", () => status(world).digest === digestOf(previous.hash));
  assert.equal(world.engine.desired?.sets[0]?.set.mode, "enforce");
  await until(world, "its state", () => saved(world).includes(`${previous.hash}.json`));
  await first.stop();
  world.api.setDown(true);
  await start(world);
  await until(world, "it after a restart", () => world.engine.calls.length >= 3);
  assert.equal(world.engine.desired?.sets[0]?.hash, previous.hash);
  world.api.setDown(false);
  putShare(position + 1);
  await until(world, "the new one", () => status(world).digest === digestOf(hashSets(after)));
  assert.equal(world.engine.desired?.sets[0]?.set.mode, "monitor");
});
