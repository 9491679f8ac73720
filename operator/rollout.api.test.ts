import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { applyStatus, getObject, type KubeObject, resources } from "@guardbee/kube";
import {
  type HashedSets,
  hashSets,
  nodeDigest,
  type PolicyStatus,
  resourceOf,
  rolloutPosition,
  type SelectorSetSpec,
} from "@guardbee/policy";
import { whyNoApiServer } from "../kube/testing/api-server.ts";
import { eventually, TestCluster } from "./testing/test-cluster.ts";

const tracingPolicy = resourceOf("TracingPolicy");
const never = new AbortController().signal;
const nodes = ["a", "b", "c", "d", "e", "f"];
const set = "tracingpolicy.p";
const nothing: HashedSets = { hash: hashSets([]), sets: [] };
const refs = [...nodes].sort((a, b) => rolloutPosition(set, a) - rolloutPosition(set, b));
const first = refs[0]!;

describe("a roll-out in waves on a real API server", { skip: whyNoApiServer() }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await TestCluster.start();
    for (const name of nodes) {
      await cluster.apply(resources.node, { metadata: { name } });
      const conditions = [{ type: "Ready", status: "True", reason: "KubeletReady" }];
      const object = { metadata: { name }, status: { conditions } };
      const tester = { fieldManager: "test", force: true };
      await applyStatus(cluster.kube, { resource: resources.node, object }, tester, never);
    }
  });
  after(() => cluster?.stop());
  beforeEach(async () => {
    stopped = {};
    await cluster.stopOperator();
    await cluster.delete(tracingPolicy, "p");
    await cluster.delete(resourceOf("SelectorSet"), set);
    await cluster.startOperator();
  });

  const policy = (path: string, annotations: Record<string, string> = {}) => ({
    metadata: {
      name: "p",
      annotations: {
        "guardbee.io/rollout-waves": "1,50%,100%",
        "guardbee.io/rollout-interval": "1s",
        ...annotations,
      },
    },
    spec: {
      podSelector: { matchLabels: { app: "x" } },
      kprobes: [
        {
          call: "security_file_permission",
          syscall: false,
          args: [{ index: 0, type: "file" }],
          selectors: [
            {
              matchArgs: [{ index: 0, operator: "Prefix", values: [path] }],
              matchActions: [{ action: "Sigkill" }],
            },
          ],
        },
      ],
    },
  });

  async function specThere(): Promise<SelectorSetSpec | undefined> {
    const found = await getObject(cluster.kube, resourceOf("SelectorSet"), { name: set }, never);
    return found?.spec as SelectorSetSpec | undefined;
  }

  /** What an agent would make of the object for its node. */
  function contentFor(node: string, { hash, sets, rollout }: SelectorSetSpec): HashedSets {
    const turn = rollout === undefined || rolloutPosition(set, node) < rollout.share;
    return turn ? { hash, sets } : (rollout.previous ?? nothing);
  }

  /** What each node says it stopped, where it is asked. Written by tests. */
  let stopped: Readonly<Record<string, number>> = {};

  /** Every node reports what it holds now; `failing` cannot hold what has the path. */
  async function report(failing: Readonly<Record<string, string>> = {}): Promise<void> {
    const spec = await specThere();
    for (const node of nodes) {
      const content = spec === undefined ? nothing : contentFor(node, spec);
      const fails = failing[node] !== undefined && pathsOf(content).includes(failing[node]);
      const exception = { set, hash: content.hash, state: "failed", reason: "LoadFailed" };
      const status = {
        digest: nodeDigest(fails || spec === undefined ? [] : [{ name: set, hash: content.hash }]),
        exceptions: fails ? [{ ...exception, message: "the verifier refused it" }] : [],
        ...stopsOf(node, spec, content),
      };
      const object = { metadata: { name: node }, status };
      const target = { resource: resourceOf("NodePolicySet"), object };
      await applyStatus(cluster.kube, target, { fieldManager: "guardbee-agent" }, never);
    }
  }

  function stopsOf(node: string, spec: SelectorSetSpec | undefined, { hash }: HashedSets): object {
    const count = stopped[node];
    const asked = spec?.countStops === true && hash === spec.hash;
    return asked && count !== undefined ? { stops: [{ set, hash, count }] } : {};
  }

  function pathsOf(content: HashedSets): string {
    return JSON.stringify(content.sets);
  }

  /** Nodes that are to hold a content with this path. */
  async function holding(path: string): Promise<readonly string[]> {
    const spec = await specThere();
    if (spec === undefined) return [];
    return nodes.filter((node) => pathsOf(contentFor(node, spec)).includes(path));
  }

  async function ready(want: string, failing: Readonly<Record<string, string>> = {}) {
    let status: PolicyStatus = {};
    await eventually(
      "Ready of p",
      async () => {
        await report(failing);
        status = await cluster.status(tracingPolicy, "p");
        const found = status.conditions?.find(({ type }) => type === "Ready");
        return `${found?.status} ${found?.reason} ${status.nodes?.summary}`;
      },
      want,
      () => JSON.stringify(status),
    );
    return status;
  }

  async function apply(object: unknown): Promise<void> {
    await cluster.apply(tracingPolicy, object);
  }

  async function installed(): Promise<void> {
    await apply(policy("/old/"));
    await eventually("NodePolicySets", () => listed(), nodes.length);
    await ready("True Programmed 6/6");
    await eventually("the end of the roll-out", specThere, (spec) => spec?.rollout === undefined);
  }

  async function listed(): Promise<number> {
    const all = (await cluster.list(resourceOf("NodePolicySet"))) as readonly KubeObject[];
    return all.filter(({ spec }) => (spec as { sets: string[] }).sets.includes(set)).length;
  }

  test("a first version and a change go out wave by wave, each one write", async () => {
    await installed();
    await apply(policy("/new/", { "guardbee.io/rollout": "pause" }));
    await eventually("the first wave", () => holding("/new/").then(String), first);
    assert.deepEqual((await holding("/old/")).length, 5, "the others hold what they held");
    const paused = await ready("Unknown RolloutPaused 1/6");
    assert.deepEqual(paused.rollout, { state: "Paused", wave: 1, waves: 3 });
    assert.equal(paused.nodes?.waiting, 5);
    assert.equal(paused.mode?.observed, "enforce");
    const generation = await generationOfSet();
    await apply(policy("/new/"));
    await ready("True Programmed 6/6");
    assert.deepEqual((await holding("/new/")).length, 6);
    await eventually("the end of the roll-out", specThere, (spec) => spec?.rollout === undefined);
    assert.equal(await generationOfSet(), generation + 3, "half, all, and the end");
  });

  async function generationOfSet(): Promise<number> {
    const found = await getObject(cluster.kube, resourceOf("SelectorSet"), { name: set }, never);
    return found?.metadata.generation ?? 0;
  }

  test("a node that cannot hold it halts it; undo and a correction", async () => {
    await installed();
    await apply(policy("/bad/"));
    const halted = await ready("False RolloutHalted 0/6", { [first]: "/bad/" });
    assert.deepEqual(halted.rollout, { state: "Halted", wave: 1, waves: 3 });
    assert.equal(halted.failures?.[0]?.nodes[0], first);
    const stalled = halted.conditions?.find(({ type }) => type === "Stalled");
    assert.match(stalled?.message ?? "", /halted in wave 1 of 3.*the verifier refused it/);
    assert.equal((await holding("/old/")).length, 5);
    await apply(policy("/bad/", { "guardbee.io/rollout": "undo" }));
    await eventually("all back", () => holding("/old/").then(({ length }) => length), 6);
    await ready("False RolloutUndone 0/6");
    await apply(policy("/good/"));
    await ready("True Programmed 6/6", { [first]: "/bad/" });
    assert.equal((await holding("/good/")).length, 6);
  });

  test("force goes on beside a node that fails; going back reaches all at once", async () => {
    await installed();
    await apply(policy("/bad/"));
    await ready("False RolloutHalted 0/6", { [first]: "/bad/" });
    await apply(policy("/bad/", { "guardbee.io/rollout": "force" }));
    await ready("False NodesFailed 5/6", { [first]: "/bad/" });
    await apply(policy("/worse/", { "guardbee.io/rollout": "pause" }));
    await eventually("the first wave", () => holding("/worse/").then(String), first);
    const previous = (await holding("/bad/")).length === 5 ? "/bad/" : "/old/";
    await apply(policy(previous));
    await eventually("back at once", specThere, (spec) => spec?.rollout === undefined);
    assert.equal((await holding(previous)).length, 6);
  });

  test("one that stops more than it may is halted, and not below", async () => {
    await installed();
    stopped = { [first]: 100 };
    const limit = { "guardbee.io/rollout-max-stops": "100" };
    await apply(policy("/new/", { ...limit, "guardbee.io/rollout": "pause" }));
    await ready("Unknown RolloutPaused 1/6");
    stopped = { [first]: 200 };
    await apply(policy("/new/", limit));
    const halted = await ready("False RolloutHalted 1/6");
    const { wave, ...rollout } = halted.rollout!;
    assert.deepEqual(rollout, { state: "Halted", waves: 3, stops: 200 });
    // The operator may see that the pause is over before it sees what the node has stopped since.
    assert.ok(wave <= 2, String(wave));
    const message = halted.conditions?.find(({ type }) => type === "Stalled")?.message;
    assert.match(message ?? "", /it stopped at least 200 calls, more than 100$/);
    stopped = {};
    await apply(policy("/better/", limit));
    await ready("True Programmed 6/6");
  });

  test("it takes two nodes of a wave to halt it; a node that goes takes its stops not with it", async () => {
    await installed();
    const limit = { "guardbee.io/rollout-max-stops": "100", "guardbee.io/rollout-waves": "3,100%" };
    const [, second, third] = refs as [string, string, string];
    stopped = { [second]: 1_000_000_000 };
    await apply(policy("/new/", limit));
    await ready("True Programmed 6/6");
    stopped = { [second]: 1_000_000_000, [third]: 100 };
    await apply(policy("/newer/", limit));
    const halted = await ready("False RolloutHalted 3/6");
    assert.deepEqual(halted.rollout, { state: "Halted", wave: 1, waves: 2, stops: 1_000_000_100 });
    stopped = {};
    await ready("False RolloutHalted 3/6");
    assert.equal((await ready("False RolloutHalted 3/6")).rollout?.stops, 1_000_000_100);
    await apply(policy("/newer/", { ...limit, "guardbee.io/rollout": "force" }));
    await ready("True Programmed 6/6");
  });

  test("one node of a wave that cannot hold it is named, and halts no other", async () => {
    await installed();
    await apply(policy("/bad/", { "guardbee.io/rollout-waves": "3,100%" }));
    const mixed = await ready("False NodesFailed 5/6", { [first]: "/bad/" });
    assert.deepEqual(mixed.failures?.[0]?.nodes, [first]);
  });

  test("monitor first: held while it would stop something, promoted when it would not", async () => {
    stopped = { c: 5 };
    const first = (time: string) => ({ "guardbee.io/monitor-first": time });
    await apply(policy("/new/", first("1s")));
    const held = await ready("False WouldStop 6/6");
    assert.equal(held.mode?.observed, "monitor");
    assert.equal(held.mode?.requested, "enforce");
    assert.deepEqual([held.trial?.wouldStop, held.trial?.nodes], [5, ["c"]]);
    stopped = {};
    await apply(policy("/better/", first("1h")));
    const trying = await ready("Unknown MonitoringFirst 6/6");
    assert.equal(trying.trial?.wouldStop, 0);
    await apply(policy("/better/", first("1s")));
    const promoted = await ready("True Programmed 6/6");
    assert.equal(promoted.mode?.observed, "enforce");
    assert.equal(promoted.trial, undefined);
    await eventually("no counting any more", specThere, (spec) => spec?.countStops === undefined);
    await apply(policy("/edited/", first("1h")));
    const edited = await ready("True Programmed 6/6");
    assert.equal(edited.mode?.observed, "enforce", "an edit does not open what was closed");
  });

  test("a new leader goes on where the last one was", async () => {
    await installed();
    await apply(policy("/new/", { "guardbee.io/rollout": "pause" }));
    await eventually("the first wave", () => holding("/new/").then(String), first);
    const before = await specThere();
    await cluster.stopOperator();
    await cluster.startOperator();
    await ready("Unknown RolloutPaused 1/6");
    assert.deepEqual(await specThere(), before, "nothing is written anew");
    await apply(policy("/new/"));
    await ready("True Programmed 6/6");
  });

  test("annotations that are wrong are refused by name, and nothing changes", async () => {
    await installed();
    await apply(policy("/new/", { "guardbee.io/rollout-waves": "1,2" }));
    const { message } = await cluster.accepted(tracingPolicy, "p", "False InvalidSpec");
    assert.match(message, /annotations\[guardbee.io\/rollout-waves\]: is "1,2"; write counts/);
    assert.equal((await holding("/old/")).length, 6);
  });
});
