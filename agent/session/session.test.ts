import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { ManualClock, resources } from "@guardbee/kube";
import {
  hashSets,
  nodeDigest,
  rolloutPosition,
  type Scope,
  type SelectorSet,
} from "@guardbee/policy";
import pino from "pino";

import type { Desired, Engine, NamedSet, Scopes, SetState } from "../kernel/engine.ts";
import { StateDir } from "../state/state-dir.ts";
import { FakeApi } from "./fake-api.ts";
import { Session } from "./session.ts";

const UID = "0a1b2c3d-1111-2222-3333-444455556666";
const NODE = "n1";

/** An engine that remembers what it was told; sets in `failing`, by name or hash, fail. */
class FakeEngine implements Engine {
  readonly calls: ({ program: readonly string[] } | "assign")[] = [];
  readonly failing = new Set<string>();
  readonly busy = new Set<string>();
  broken = false;
  desired: Desired | undefined;
  scopes: Scopes | undefined;

  features() {
    return { release: "6.12.0", arch: "x86_64", features: ["btf"] };
  }

  async program(desired: Desired, spared?: ReadonlySet<string>): Promise<readonly SetState[]> {
    this.calls.push({ program: desired.sets.map(({ name }) => name) });
    if (this.broken) throw new Error("bpf: EPERM");
    const states = desired.sets.map((set) => this.#stateOf(set));
    const refused = states.filter(({ name, state }) => state === "failed" && spared?.has(name));
    if (refused.length > 0) return refused;
    this.desired = desired;
    this.scopes = desired.scopes;
    return states;
  }

  #stateOf({ name, hash }: NamedSet): SetState {
    const isIn = (some: ReadonlySet<string>) => some.has(name) || some.has(hash);
    if (isIn(this.failing)) {
      return { name, hash, state: "failed", reason: "KernelLacks", message: "no error injection" };
    }
    return isIn(this.busy)
      ? { name, hash, state: "failed", reason: "LoadFailed", message: "EAGAIN", mayPass: true }
      : { name, hash, state: "programmed", attachments: [] };
  }

  async assign(scopes: Scopes): Promise<void> {
    this.calls.push("assign");
    this.scopes = scopes;
  }
}

function aSet(name: string, changes: Partial<SelectorSet> = {}): SelectorSet {
  return {
    policy: { kind: "TracingPolicy", name },
    mode: "enforce",
    scope: { host: true, pods: {} },
    hooks: [],
    ...changes,
  };
}

type World = {
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
function aWorld(t: TestContext): World {
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

function putSet(world: World, name: string, set: SelectorSet = aSet(name)): string {
  return putSets(world, name, [set]);
}

function putSets({ api }: World, name: string, sets: readonly SelectorSet[]): string {
  const hash = hashSets(sets);
  api.put(resources.selectorSet, { metadata: { name }, spec: { hash, sets } });
  return hash;
}

function list({ api }: World, ...sets: readonly string[]): void {
  api.put(resources.nodePolicySet, { metadata: { name: NODE }, spec: { sets } });
}

function status({ api }: World): Record<string, unknown> {
  return (api.get(resources.nodePolicySet, NODE)?.status ?? {}) as Record<string, unknown>;
}

/** A running agent session on this world's node. `stop` ends it as the agent's end would. */
async function start(world: World) {
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

/** Lets time pass in small steps until `done`; files are real, so each step is a real moment too. */
async function until(world: World, what: string, done: () => boolean): Promise<void> {
  for (let step = 0; step < 2_000; step += 1) {
    if (done()) return;
    await world.clock.advance(100);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.fail(`never came: ${what}`);
}

async function pass(world: World, ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 100) await world.clock.advance(100);
}

const programmed = (world: World) => world.engine.desired?.sets.map(({ name }) => name);
const isProgrammed = (world: World, ...names: readonly string[]) =>
  JSON.stringify(programmed(world)) === JSON.stringify(names);
const files = (folder: string) => (existsSync(folder) ? readdirSync(folder) : []);
const saved = (world: World) => files(join(world.stateFolder, "sets"));

test("a node programs what its NodePolicySet lists and reports it once", async (t) => {
  const world = aWorld(t);
  const hash = putSet(world, "a");
  putSet(world, "unlisted");
  list(world, "a");
  await start(world);
  await until(world, "a report", () => world.api.applied.length > 0);
  await pass(world, 30_000);
  assert.deepEqual(
    world.engine.calls.filter((call) => call !== "assign"),
    [{ program: ["a"] }],
  );
  const [report, ...more] = world.api.applied;
  assert.deepEqual(more, []);
  assert.deepEqual(report, {
    path: `/apis/guardbee.io/v1alpha1/nodepolicysets/${NODE}/status`,
    body: {
      apiVersion: "guardbee.io/v1alpha1",
      kind: "NodePolicySet",
      metadata: { name: NODE, uid: `uid-${NODE}` },
      status: {
        observedGeneration: 1,
        digest: nodeDigest([{ name: "a", hash }]),
        sets: { programmed: 1, failed: 0, pending: 0 },
        kernel: { release: "6.12.0", arch: "x86_64", features: ["btf"] },
        agentVersion: "1.2.3",
      },
    },
  });
});

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

test("a new node lists its sets once, and fetches a later change alone", async (t) => {
  const world = aWorld(t);
  const names = Array.from({ length: 20 }, (_, i) => `set-${i}`).sort();
  for (const name of names) putSet(world, name);
  list(world, ...names);
  const asked: string[] = [];
  const request = world.api.request.bind(world.api);
  world.api.request = async (each, signal) => {
    if (each.path.includes("/selectorsets") && each.accept === undefined) asked.push(each.path);
    return request(each, signal);
  };
  await start(world);
  await until(world, "all sets", () => isProgrammed(world, ...names));
  const hash = putSet(world, "set-7", aSet("set-7", { mode: "monitor" }));
  const held = () => world.engine.desired?.sets.find(({ name }) => name === "set-7")?.hash;
  await until(world, "the edit", () => held() === hash);
  const collection = "/apis/guardbee.io/v1alpha1/selectorsets";
  assert.deepEqual(asked, [collection, `${collection}/set-7`]);
});

test("edits that follow each other are reported together, five seconds after the last report", async (t) => {
  const world = aWorld(t);
  putSet(world, "a");
  list(world, "a");
  await start(world);
  await until(world, "a report", () => world.api.applied.length === 1);
  const reportedAtMs = world.clock.monotonic();
  putSet(world, "a", aSet("a", { mode: "monitor" }));
  await until(world, "the first edit", () => world.engine.desired?.sets[0]?.set.mode === "monitor");
  const hash = putSet(world, "a", aSet("a", { scope: { host: false, pods: {} } }));
  await until(world, "a second report", () => world.api.applied.length === 2);
  const tookMs = world.clock.monotonic() - reportedAtMs;
  assert.ok(tookMs >= 4_900 && tookMs < 7_000, `took ${tookMs} ms`); // the clock moves by 100 ms
  assert.equal(status(world).digest, nodeDigest([{ name: "a", hash }]));
});

test("an edited set is programmed with its new content, and a set taken off the list goes", async (t) => {
  const world = aWorld(t);
  putSet(world, "a");
  putSet(world, "b");
  list(world, "a", "b");
  await start(world);
  await until(world, "both", () => isProgrammed(world, "a", "b"));
  const hash = putSet(world, "a", aSet("a", { mode: "monitor" }));
  await until(world, "the edit", () => world.engine.desired?.sets[0]?.hash === hash);
  list(world, "a");
  await until(world, "the removal", () => isProgrammed(world, "a"));
  await until(world, "the report", () => status(world).observedGeneration === 2);
  assert.equal(status(world).digest, nodeDigest([{ name: "a", hash }]));
  await until(world, "old contents removed", () => saved(world).join() === `${hash}.json`);
});

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
    world.api.put(resources.selectorSet, { metadata: { name: "a" }, spec });
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

test("a listed set that is not there is pending, and is programmed when it comes", async (t) => {
  const world = aWorld(t);
  putSet(world, "a");
  list(world, "a", "late");
  await start(world);
  await until(world, "a report", () => world.api.applied.length > 0);
  assert.deepEqual(status(world).sets, { programmed: 1, failed: 0, pending: 1 });
  assert.deepEqual(status(world).exceptions, [
    {
      set: "late",
      hash: "",
      state: "pending",
      reason: "NotFound",
      message: "SelectorSet late is not here yet",
    },
  ]);
  putSet(world, "late");
  await until(world, "the late set", () => isProgrammed(world, "a", "late"));
  await until(world, "its report", () => status(world).exceptions === undefined);
});

test("sets that cannot be used or programmed are named, and the others hold", async (t) => {
  const world = aWorld(t);
  const bad = { hash: "h", sets: [{ ...aSet("bad"), hooks: [{ on: { kind: "moon" } }] }] };
  world.api.put(resources.selectorSet, { metadata: { name: "bad" }, spec: bad });
  world.api.put(resources.selectorSet, { metadata: { name: "empty" } });
  const hash = putSet(world, "good");
  const failing = putSet(world, "lacking");
  world.engine.failing.add("lacking");
  list(world, "bad", "empty", "good", "lacking");
  const { session } = await start(world);
  await until(world, "a report", () => world.api.applied.length > 0);
  assert.equal(status(world).digest, nodeDigest([{ name: "good", hash }]));
  assert.deepEqual(status(world).exceptions, [
    {
      set: "bad",
      hash: "h",
      state: "failed",
      reason: "LoadFailed",
      message: 'spec.sets[0].hooks[0].on.kind is "moon"; use an operator of this agent\'s version',
    },
    {
      set: "empty",
      hash: "",
      state: "failed",
      reason: "LoadFailed",
      message: "spec.sets is no list; use an operator of this agent's version",
    },
    {
      set: "lacking",
      hash: failing,
      state: "failed",
      reason: "KernelLacks",
      message: "no error injection",
    },
  ]);
  assert.equal(session.ready(), true, "no try again mends these");
});

test("an object of several sets is held when all of them are", async (t) => {
  const world = aWorld(t);
  const [a, b] = ["regopolicy.r#tracingpolicy.a", "regopolicy.r#tracingpolicy.b"] as const;
  const hash = putSets(world, "regopolicy.r", [aSet("a"), aSet("b")]);
  world.engine.failing.add(b);
  list(world, "regopolicy.r");
  await start(world);
  await until(world, "a report", () => status(world).exceptions !== undefined);
  assert.deepEqual(programmed(world), [a, b]);
  assert.equal(status(world).digest, nodeDigest([]));
  assert.deepEqual(status(world).exceptions, [
    {
      set: "regopolicy.r",
      hash,
      state: "failed",
      reason: "KernelLacks",
      message: "tracingpolicy.b: no error injection",
    },
  ]);
  world.engine.failing.clear();
  const next = putSets(world, "regopolicy.r", [aSet("a"), aSet("b"), aSet("c")]);
  const all = nodeDigest([{ name: "regopolicy.r", hash: next }]);
  await until(world, "all three", () => status(world).digest === all);
  const none = putSets(world, "regopolicy.r", []);
  const empty = nodeDigest([{ name: "regopolicy.r", hash: none }]);
  await until(world, "an object of no set", () => status(world).digest === empty);
  assert.deepEqual(programmed(world), []);
});

test("more than 50 exceptions are counted, not listed", async (t) => {
  const world = aWorld(t);
  const names = Array.from({ length: 60 }, (_, n) => `s${String(n).padStart(2, "0")}`);
  list(world, ...names);
  await start(world);
  await until(world, "a report", () => world.api.applied.length > 0);
  assert.equal((status(world).exceptions as unknown[]).length, 50);
  assert.equal(status(world).exceptionsOmitted, 10);
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
  world.api.remove(resources.selectorSet, { name: "a" });
  world.api.remove(resources.nodePolicySet, { name: NODE });
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
    world.api.put(resources.nodePolicySet, {
      metadata: { name: NODE },
      spec: { sets, removal: true },
    });
  removed(["a"]);
  await until(world, "the set again", () => isProgrammed(world, "a"));
  assert.equal(session.leaves(), false, "something is in force");
  removed([]);
  await until(world, "an empty list again", () => isProgrammed(world));
  await until(world, "leaving", () => session.leaves());
  world.api.remove(resources.nodePolicySet, { name: NODE });
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

test("pods and their cgroups only move scopes", async (t) => {
  const world = aWorld(t);
  putSet(world, "web", aSet("web", { scope: { host: false, pods: { namespaces: ["web"] } } }));
  list(world, "web");
  await start(world);
  await until(world, "the set", () => isProgrammed(world, "web"));
  world.api.put(resources.pod, {
    metadata: { namespace: "web", name: "front", uid: UID },
    spec: { nodeName: NODE, containers: [] },
  });
  await pass(world, 200);
  const podFolder = join(world.cgroups, `kubepods/besteffort/pod${UID}`);
  mkdirSync(podFolder);
  const { ino } = statSync(podFolder, { bigint: true });
  await until(
    world,
    "the pod's scope",
    () =>
      world.engine.scopes?.cgroups.some(({ id, sets }) => id === ino && sets.join() === "web") ===
      true,
  );
  assert.equal(world.engine.calls.filter((call) => call !== "assign").length, 1);
});

test("a kernel that cannot be programmed is reported and tried again", async (t) => {
  const world = aWorld(t);
  const hash = putSet(world, "a");
  list(world, "a");
  world.engine.broken = true;
  const { session } = await start(world);
  await until(world, "a report", () => world.api.applied.length > 0);
  assert.deepEqual(status(world).exceptions, [
    { set: "a", hash, state: "failed", reason: "LoadFailed", message: "bpf: EPERM" },
  ]);
  assert.equal(session.ready(), false);
  world.engine.broken = false;
  await until(world, "the set", () => isProgrammed(world, "a"));
  await until(world, "readiness", () => session.ready());
  await until(world, "its report", () => status(world).exceptions === undefined);
});

test("a set that the kernel was too busy for is tried again, ever more rarely", async (t) => {
  const world = aWorld(t);
  putSet(world, "a");
  list(world, "a");
  world.engine.busy.add("a");
  const { session } = await start(world);
  await until(world, "a report", () => world.api.applied.length > 0);
  assert.equal(session.ready(), false);
  const tries = () => world.engine.calls.filter((call) => call !== "assign").length;
  const before = tries();
  await pass(world, 100_000);
  assert.ok(tries() > before && tries() <= 8, `${tries()} tries in 100 s`);
  world.engine.busy.clear();
  await until(world, "its report", () => status(world).exceptions === undefined);
  assert.equal(session.ready(), true);
  const after = tries();
  await pass(world, 200_000);
  assert.equal(tries(), after);
});

test("a report that fails is written later", async (t) => {
  const world = aWorld(t);
  putSet(world, "a");
  list(world, "a");
  const request = world.api.request.bind(world.api);
  let refused = 0;
  world.api.request = async (asked, signal) => {
    if (asked.method === "PATCH" && refused < 3) {
      refused += 1;
      throw new Error("connect ECONNREFUSED");
    }
    return request(asked, signal);
  };
  await start(world);
  await until(world, "a report", () => world.api.applied.length > 0);
  assert.equal(refused, 3);
});

test("a status that somebody changed is written again", async (t) => {
  const world = aWorld(t);
  putSet(world, "a");
  list(world, "a");
  await start(world);
  await until(world, "a report", () => world.api.applied.length > 0);
  await pass(world, 1_000);
  const object = world.api.get(resources.nodePolicySet, NODE);
  assert.ok(object);
  world.api.put(resources.nodePolicySet, { ...object, status: { digest: "forged" } });
  await until(world, "a second report", () => world.api.applied.length > 1);
  assert.notEqual(status(world).digest, "forged");
});
