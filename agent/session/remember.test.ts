import assert from "node:assert/strict";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { resources } from "@guardbee/kube";
import type { Scope } from "@guardbee/policy";
import { resourceOf } from "@guardbee/policy/sets";

import { FakeEngine } from "./fake-engine.ts";
import {
  aSet,
  aWorld,
  files,
  isProgrammed,
  list,
  NODE,
  pass,
  programmed,
  putSet,
  saved,
  start,
  UID,
  until,
} from "./test-node.ts";

test("a restart with nothing changed fetches no content and writes nothing", async (t) => {
  const world = aWorld(t);
  putSet(world, "a");
  list(world, "a");
  const first = await start(world);
  await until(world, "a report", () => world.api.applied.length > 0);
  await until(world, "its state", () => saved(world).length === 1);
  await first.stop();
  let fetched = 0;
  const request = world.api.request.bind(world.api);
  world.api.request = async (asked, signal) => {
    if (asked.path.endsWith("/selectorsets/a")) fetched += 1;
    return request(asked, signal);
  };
  await start(world);
  await until(world, "programming", () => world.engine.calls.length >= 2);
  await pass(world, 30_000);
  assert.deepEqual([world.api.applied.length, fetched], [1, 0]);
});

test("a node that boots without its API server holds what it last knew", async (t) => {
  const world = aWorld(t);
  const podFolder = join(world.cgroups, `kubepods/besteffort/pod${UID}`);
  mkdirSync(podFolder);
  const scope: Scope = { host: false, pods: { labels: { matchLabels: { app: "front" } } } };
  putSet(world, "a", aSet("a", { scope }));
  list(world, "a");
  world.api.put(resources.pod, {
    metadata: { namespace: "web", name: "front", uid: UID, labels: { app: "front" } },
    spec: { nodeName: NODE, containers: [] },
  });
  const first = await start(world);
  const id = statSync(podFolder, { bigint: true }).ino;
  const holds = () => world.engine.scopes?.cgroups.find((each) => each.id === id)?.sets.join();
  await until(world, "the pod's set", () => holds() === "a");
  await until(world, "its state", () =>
    ["desired.json", "pods.json"].every((file) => files(world.stateFolder).includes(file)),
  );
  await pass(world, 2_000);
  await first.stop();

  world.api.setDown(true);
  const engine = new FakeEngine();
  await start({ ...world, engine });
  await until({ ...world, engine }, "the set again", () => engine.desired !== undefined);
  assert.deepEqual(engine.calls, [{ program: ["a"] }]);
  await until(
    { ...world, engine },
    "the pod's scope",
    () =>
      engine.scopes?.cgroups.some((each) => each.id === id && each.sets.join() === "a") === true,
  );
});

test("state files that are damaged are fetched again, and nothing is dropped meanwhile", async (t) => {
  const world = aWorld(t);
  const hash = putSet(world, "a");
  list(world, "a");
  const first = await start(world);
  await until(world, "its state", () => saved(world).length === 1);
  await pass(world, 2_000);
  await first.stop();
  for (const file of ["pods.json", `sets/${hash}.json`]) {
    writeFileSync(join(world.stateFolder, file), '{"version":1,"po');
  }
  const engine = new FakeEngine();
  const again = await start({ ...world, engine });
  await until({ ...world, engine }, "the set", () => engine.desired !== undefined);
  assert.deepEqual(engine.calls[0], { program: ["a"] });
  await until(world, "the file again", () => saved(world).join() === `${hash}.json`);
  await again.stop();
  writeFileSync(join(world.stateFolder, "desired.json"), "[]");
  const third = new FakeEngine();
  await start({ ...world, engine: third });
  await until({ ...world, engine: third }, "the set", () => third.desired !== undefined);
  assert.deepEqual(third.calls[0], { program: ["a"] });
});

test("the API server going away, the object and the set being deleted end nothing", async (t) => {
  const world = aWorld(t);
  putSet(world, "a");
  list(world, "a");
  await start(world);
  await until(world, "the set", () => isProgrammed(world, "a"));
  world.api.remove(resourceOf("SelectorSet"), { name: "a" });
  world.api.remove(resourceOf("NodePolicySet"), { name: NODE });
  await pass(world, 5_000);
  world.api.setDown(true);
  await pass(world, 60_000);
  world.api.setDown(false);
  await pass(world, 60_000);
  assert.deepEqual(programmed(world), ["a"]);
  list(world);
  await until(world, "an empty list", () => isProgrammed(world));
});

test("a node leaves when it is told to and holds nothing any more, also once the object is gone", async (t) => {
  const world = aWorld(t);
  putSet(world, "a");
  list(world, "a");
  const { session } = await start(world);
  await until(world, "the set", () => isProgrammed(world, "a"));
  list(world);
  await until(world, "an empty list", () => isProgrammed(world));
  assert.equal(session.leaves(), false, "no policy is no removal");
  const removed = (sets: readonly string[]) =>
    world.api.put(resourceOf("NodePolicySet"), {
      metadata: { name: NODE },
      spec: { sets, removal: true },
    });
  removed(["a"]);
  await until(world, "the set again", () => isProgrammed(world, "a"));
  assert.equal(session.leaves(), false, "something is in force");
  removed([]);
  await until(world, "an empty list again", () => isProgrammed(world));
  await until(world, "leaving", () => session.leaves());
  world.api.remove(resourceOf("NodePolicySet"), { name: NODE });
  await pass(world, 5_000);
  assert.equal(session.leaves(), true);
});

test("a node that never saw a list and finds none holds nothing", async (t) => {
  const world = aWorld(t);
  await start(world);
  await until(world, "programming", () => isProgrammed(world));
  await pass(world, 5_000);
  assert.deepEqual(world.api.applied, []);
});
