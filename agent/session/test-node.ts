import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setImmediate } from "node:timers/promises";

import { ManualClock } from "@guardbee/kube";
import { hashSets, type SelectorSet } from "@guardbee/policy";
import { resourceOf } from "@guardbee/policy/sets";
import pino from "pino";

import { StateDir } from "../state/state-dir.ts";
import { FakeApi } from "./fake-api.ts";
import { FakeEngine } from "./fake-engine.ts";
import { Session } from "./session.ts";

export const UID = "0a1b2c3d-1111-2222-3333-444455556666";
export const NODE = "n1";

export function aSet(name: string, changes: Partial<SelectorSet> = {}): SelectorSet {
  return {
    policy: { kind: "TracingPolicy", name },
    mode: "enforce",
    scope: { host: true, pods: {} },
    hooks: [],
    ...changes,
  };
}

export type World = {
  readonly api: FakeApi;
  readonly engine: FakeEngine;
  readonly clock: ManualClock;
  readonly folder: string;
  readonly stateFolder: string;
  readonly cgroups: string;
  /** What ends the agents that were started, before the folder goes. */
  readonly ends: (() => Promise<void>)[];
};

/** A cluster, a node's kernel and its disk, all empty but for a kubepods folder. */
export function aWorld(t: TestContext): World {
  const folder = mkdtempSync(join(tmpdir(), "session-"));
  const ends: (() => Promise<void>)[] = [];
  t.after(async () => {
    for (const end of ends) await end();
    rmSync(folder, { recursive: true, force: true });
  });
  const cgroups = join(folder, "cgroup");
  mkdirSync(join(cgroups, "kubepods/besteffort"), { recursive: true });
  return {
    api: new FakeApi(),
    engine: new FakeEngine(),
    clock: new ManualClock(),
    folder,
    stateFolder: join(folder, "state"),
    cgroups,
    ends,
  };
}

export function putSet(world: World, name: string, set: SelectorSet = aSet(name)): string {
  return putSets(world, name, [set]);
}

export function putSets({ api }: World, name: string, sets: readonly SelectorSet[]): string {
  const hash = hashSets(sets);
  api.put(resourceOf("SelectorSet"), { metadata: { name }, spec: { hash, sets } });
  return hash;
}

export function list({ api }: World, ...sets: readonly string[]): void {
  api.put(resourceOf("NodePolicySet"), { metadata: { name: NODE }, spec: { sets } });
}

export function status({ api }: World): Record<string, unknown> {
  return (api.get(resourceOf("NodePolicySet"), NODE)?.status ?? {}) as Record<string, unknown>;
}

/** A running agent session on this world's node. `stop` ends it as the agent's end would. */
export async function start(world: World) {
  const stop = new AbortController();
  const session = await Session.open({
    connection: world.api,
    nodeName: NODE,
    engine: world.engine,
    state: new StateDir(world.stateFolder),
    cgroupRoot: world.cgroups,
    agentVersion: "1.2.3",
    reportJitterMs: 0,
    clock: world.clock,
    log: pino({ level: "silent" }),
    random: () => 0.5,
  });
  const run = session.run(stop.signal);
  const end = async () => {
    stop.abort();
    await run;
  };
  world.ends.push(end);
  return { session, stop: end };
}

/** Lets time pass in small steps until `done`. */
export async function until(world: World, what: string, done: () => boolean): Promise<void> {
  for (let step = 0; step < 2_000; step += 1) {
    if (done()) return;
    await tick(world.clock);
  }
  assert.fail(`never came: ${what}`);
}

export async function pass(world: World, ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 100) await tick(world.clock);
}

/** A step of time. The files are real: what is done to them ends within the step, however long it takes. */
export async function tick(clock: ManualClock): Promise<void> {
  await clock.advance(100);
  do await setImmediate();
  while (process.getActiveResourcesInfo().some((one) => one.startsWith("FSReq")));
}

export const programmed = (world: World) => world.engine.desired?.sets.map(({ name }) => name);
export const isProgrammed = (world: World, ...names: readonly string[]) =>
  JSON.stringify(programmed(world)) === JSON.stringify(names);
export const files = (folder: string) => (existsSync(folder) ? readdirSync(folder) : []);
export const saved = (world: World) => files(join(world.stateFolder, "sets"));
