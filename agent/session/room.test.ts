import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { hashSets, type SelectorSet } from "@guardbee/policy";
import { planInRoom } from "../compile/room.ts";
import { ableKernel, onWrite, when } from "../compile/testing/compiled.ts";
import type { Desired, Engine, FailedState, NamedSet, Programmed } from "../engine.ts";
import { enums } from "../gen/layout.ts";
import { FakeEngine } from "./fake-engine.ts";
import { aSet, aWorld, list, putSet, start, status, until, type World } from "./test-node.ts";

/** An engine with the room of the real one. */
class RoomyEngine extends FakeEngine implements Engine {
  #inForce: ReadonlyMap<string, NamedSet> | undefined;

  override async program(
    desired: Desired,
    spared: ReadonlySet<string> = new Set(),
    before: readonly NamedSet[] = [],
  ): Promise<Programmed> {
    this.#inForce ??= byName(before);
    const { crowded } = planInRoom(desired.sets, this.#inForce, ableKernel);
    const fitting = desired.sets.filter(({ name }) => !crowded.has(name));
    const refused = desired.sets.flatMap(({ name, hash }): readonly FailedState[] => {
      const refusal = crowded.get(name);
      return refusal === undefined ? [] : [{ name, hash, state: "failed", ...refusal }];
    });
    const given = refused.filter(({ name }) => spared.has(name));
    if (given.length > 0) return { kind: "kept", refused: given };
    this.#inForce = byName(fitting);
    const done = await super.program({ ...desired, sets: fitting });
    return done.kind === "kept" ? done : { ...done, states: [...done.states, ...refused] };
  }
}

function byName(sets: readonly NamedSet[]): ReadonlyMap<string, NamedSet> {
  return new Map(sets.map((set) => [set.name, set]));
}

function ofCluster(name: string, selectors: number): SelectorSet {
  const hooks = [onWrite([], ...Array.from({ length: selectors }, () => when()))];
  return aSet(name, { hooks });
}

function ofTenant(name: string, selectors: number, namespace = "evil"): SelectorSet {
  const policy = { kind: "TracingPolicyNamespaced", namespace, name } as const;
  return { ...ofCluster(name, selectors), policy, scope: { host: false, pods: {} } };
}

/** The numbers here are about an attach point that takes 1,024 selectors. */
const k = (enums.engine_limit.WORDS_MAX * 64) / 1024;

const holds = (world: World, ...hashes: readonly string[]) =>
  JSON.stringify(world.engine.desired?.sets.map(({ hash }) => hash)) === JSON.stringify(hashes);

function exceptions(world: World) {
  const { exceptions: all = [] } = status(world) as {
    exceptions?: readonly { readonly set: string; readonly reason: string }[];
  };
  return all.map(({ set, reason }) => [set, reason]);
}

/** Sets that the state on disk has as in force. */
function remembered({ stateFolder }: World): readonly string[] {
  const file = join(stateFolder, "desired.json");
  if (!existsSync(file)) return [];
  const text = readFileSync(file, "utf8");
  const { sets } = JSON.parse(text) as { sets: { name: string; displaced?: true }[] };
  return sets.length < 2 ? [] : sets.flatMap((set) => (set.displaced ? [] : set.name));
}

test("a tenant that holds all selectors makes room for a cluster policy, which may be edited", async (t) => {
  const world: World = { ...aWorld(t), engine: new RoomyEngine() };
  const evil = putSet(world, "evil", ofTenant("evil", 1024 * k));
  list(world, "evil");
  const first = await start(world);
  await until(world, "the tenant's", () => holds(world, evil));

  const cluster = putSet(world, "seed", ofCluster("seed", 3));
  list(world, "evil", "seed");
  await until(world, "the cluster's", () => holds(world, cluster));
  await until(world, "the report", () => exceptions(world).length > 0);
  assert.deepEqual(exceptions(world), [["evil", "NoRoom"]]);

  const edited = putSet(world, "seed", ofCluster("seed", 700 * k));
  await until(world, "the edit", () => holds(world, edited));
  const modest = putSet(world, "modest", ofTenant("modest", 100 * k, "modest"));
  list(world, "evil", "modest", "seed");
  await until(world, "another tenant's", () => holds(world, modest, edited));
  await first.stop();

  const again: World = { ...world, engine: new RoomyEngine() };
  await start(again);
  await until(again, "the same after a restart", () => holds(again, modest, edited));
  list(again, "evil");
  await until(again, "the first tenant's again", () => holds(again, evil));
});

test("after a restart what was in force stays, and what was not stays out", async (t) => {
  const world: World = { ...aWorld(t), engine: new RoomyEngine() };
  const z = putSet(world, "z", ofCluster("z", 600 * k));
  list(world, "z");
  const first = await start(world);
  await until(world, "the first", () => holds(world, z));
  putSet(world, "a", ofCluster("a", 600 * k));
  list(world, "a", "z");
  await until(world, "the report", () => exceptions(world).length > 0);
  assert.deepEqual(exceptions(world), [["a", "NoRoom"]]);
  await until(world, "the list on disk", () => remembered(world).join() === "z");
  await first.stop();
  const again: World = { ...world, engine: new RoomyEngine() };
  await start(again);
  await until(again, "the same set", () => again.engine.desired !== undefined);
  assert.ok(holds(again, z));
});

test("an edit that finds no room leaves the version before, and displaces nobody", async (t) => {
  const world: World = { ...aWorld(t), engine: new RoomyEngine() };
  const [a, b] = [ofCluster("a", 500 * k), ofCluster("b", 500 * k)].map((set) =>
    putSet(world, set.policy.name, set),
  );
  list(world, "a", "b");
  await start(world);
  await until(world, "both", () => holds(world, a!, b!));
  const large = ofCluster("a", 525 * k);
  putSet(world, "a", large);
  await until(world, "the report", () => exceptions(world).length > 0);
  assert.deepEqual(exceptions(world), [["a", "NoRoom"]]);
  assert.ok(holds(world, a!, b!));
  assert.notEqual(a, hashSets([large]));
});
