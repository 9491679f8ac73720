import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { rolloutPosition, wholeShare } from "@guardbee/policy";
import type { SetEntry } from "../fleet/objects.ts";
import { nextStep, type Step, type StepInput } from "./next-step.ts";

const nodes = Array.from({ length: 20 }, (_, i) => `node-${i}`);
const plan = {
  waves: [
    { kind: "nodes", count: 1 },
    { kind: "percent", percent: 10 },
    { kind: "percent", percent: 100 },
  ],
  intervalMs: 60_000,
} as const;
const name = "tracingpolicy.p";
const startedMs = 1_000_000;

function setAt(hash: string, rollout?: SetEntry["rollout"]): SetEntry {
  const base = {
    name,
    hash,
    mode: "enforce",
    nodes: undefined,
    ownerUid: "u",
    uid: "u",
    generation: 1,
  } as const;
  return rollout === undefined ? base : { ...base, rollout };
}

const old = { hash: "old", mode: "enforce" } as const;
/** "new" over "old", in the first wave. */
const underWay = (more: Partial<NonNullable<SetEntry["rollout"]>> = {}) =>
  setAt("new", { wave: 0, startedMs, share: shareOf(1), previous: old, ...more });

/** A share that has the first `count` nodes below it. */
function shareOf(count: number): number {
  const positions = nodes.map((node) => rolloutPosition(name, node)).sort((a, b) => a - b);
  return positions[count - 1]! + 1;
}

function step(input: Partial<StepInput> & { readonly hash?: string }): Step {
  const { hash = "new", ...more } = input;
  return nextStep({
    there: underWay(),
    wanted: { name, hash, nodes: undefined },
    plan,
    nodes,
    count: { programmed: 1, failed: 0, pending: 0 },
    stopsTooMuch: false,
    nowMs: startedMs + 60_000,
    ...more,
  });
}

const forever = { kind: "keep", dueInMs: Number.POSITIVE_INFINITY };
const finish = { kind: "finish" };

describe("the next step of a roll-out", () => {
  test("a first version goes to one node, beside nothing", () => {
    const stage = { wave: 0, share: shareOf(1), startedMs: startedMs + 60_000 };
    assert.deepEqual(step({ there: undefined }), { kind: "stage", stage, previous: "nothing" });
  });

  test("a change goes to one node, beside what is there", () => {
    const stage = { wave: 0, share: shareOf(1), startedMs: startedMs + 60_000 };
    const found = step({ there: setAt("old") });
    assert.deepEqual(found, { kind: "stage", stage, previous: "current" });
  });

  test("a change during a roll-out starts again beside what all hold", () => {
    const found = step({ there: underWay({ wave: 1, share: shareOf(2) }), hash: "newer" });
    const stage = { wave: 0, share: shareOf(1), startedMs: startedMs + 60_000 };
    assert.deepEqual(found, { kind: "stage", stage, previous: "previous" });
  });

  test("a change during the roll-out of a first version starts again beside nothing", () => {
    const found = step({ there: underWay({ previous: undefined }), hash: "newer" });
    assert.equal(found.kind === "stage" && found.previous, "nothing");
  });

  test("what needs no waves goes to all nodes", () => {
    assert.deepEqual(step({ hash: "old" }), finish, "back to what the others hold");
    const one = { waves: [plan.waves[2]], intervalMs: 0 };
    assert.deepEqual(step({ there: setAt("old"), plan: one }), finish, "one wave");
    assert.deepEqual(step({ there: setAt("") }), finish, "somebody edited the set");
    const nodesOf = { matchLabels: { a: "b" } };
    const moved = { name, hash: "new", nodes: nodesOf };
    assert.deepEqual(step({ there: setAt("old"), wanted: moved }), finish, "other nodes");
  });

  test("the next wave begins when the interval has passed and every node of this one has it", () => {
    const stage = { wave: 1, share: shareOf(2), startedMs: startedMs + 60_000 };
    assert.deepEqual(step({}), { kind: "stage", stage, previous: "previous" });
    assert.deepEqual(step({ nowMs: startedMs + 50_000 }), { kind: "keep", dueInMs: 10_000 });
    const waiting = { programmed: 1, failed: 0, pending: 1 };
    assert.deepEqual(step({ count: waiting }), { kind: "keep", dueInMs: 540_000 });
  });

  test("a failed node stops it, unless it is forced", () => {
    const count = { programmed: 0, failed: 1, pending: 0 };
    assert.deepEqual(step({ count }), forever);
    assert.equal(step({ count, plan: { ...plan, order: "force" } }).kind, "stage");
  });

  test("more stops than allowed halt it", () => {
    assert.equal(step({}).kind, "stage");
    assert.deepEqual(step({ stopsTooMuch: true }), forever);
    assert.equal(step({ stopsTooMuch: true, plan: { ...plan, order: "force" } }).kind, "stage");
  });

  test("one node of many neither halts it nor holds it up for more than ten minutes", () => {
    assert.equal(step({ count: { programmed: 1, failed: 1, pending: 0 } }).kind, "stage");
    assert.deepEqual(step({ count: { programmed: 5, failed: 2, pending: 0 } }), forever);
    const waiting = { programmed: 5, failed: 0, pending: 1 };
    assert.deepEqual(step({ count: waiting }), { kind: "keep", dueInMs: 540_000 });
    const late = startedMs + 600_000;
    assert.equal(step({ count: waiting, nowMs: late }).kind, "stage");
    assert.deepEqual(step({ count: { ...waiting, pending: 2 }, nowMs: late }), forever);
    const alone = { programmed: 0, failed: 0, pending: 1 };
    assert.deepEqual(step({ count: alone, nowMs: late }), forever);
  });

  const none = { programmed: 0, failed: 0, pending: 0 };

  test("a wave whose nodes are all unreachable proves nothing, and takes one more when it is late", () => {
    assert.deepEqual(step({ count: none }), { kind: "keep", dueInMs: 540_000 });
    const nowMs = startedMs + 600_000;
    const more = { wave: 0, share: shareOf(2), startedMs: nowMs };
    const stage = { kind: "stage", stage: more, previous: "previous" };
    assert.deepEqual(step({ count: none, nowMs }), stage);
    const all = underWay({ share: shareOf(20) });
    assert.deepEqual(step({ count: none, nowMs, there: all }), forever, "there is none more");
    const paused = { ...plan, order: "pause" } as const;
    assert.deepEqual(step({ count: none, nowMs, plan: paused }), forever);
  });

  test("a wave whose nodes are gone takes others at once", () => {
    const first = nodes.filter((node) => rolloutPosition(name, node) < shareOf(1));
    const rest = nodes.filter((node) => !first.includes(node));
    const found = step({ count: none, nodes: rest, nowMs: startedMs });
    const stage = { wave: 0, share: shareOf(2), startedMs };
    assert.deepEqual(found, { kind: "stage", stage, previous: "previous" });
    const empty = step({ count: none, nodes: [], nowMs: startedMs });
    assert.equal(empty.kind === "stage" && empty.stage.share, wholeShare, "no node is left");
    const fewer = { waves: [plan.waves[0], plan.waves[2]], intervalMs: 60_000 };
    const there = underWay({ wave: 2, share: 1 });
    assert.equal(step({ count: none, there, plan: fewer }).kind, "stage", "an edited plan");
  });

  test("after the last wave, and its interval, the version before is forgotten", () => {
    const last = underWay({ wave: 2, share: wholeShare });
    assert.deepEqual(step({ there: last }), finish);
    assert.deepEqual(step({ there: last, nowMs: startedMs }), { kind: "keep", dueInMs: 60_000 });
  });

  test("waves that add no node are left out", () => {
    const found = step({ nodes: nodes.slice(0, 3), there: underWay({ share: 5 }) });
    assert.equal(found.kind === "stage" && found.stage.wave, 1);
    const few = nodes.slice(0, 3);
    const first = few.map((node) => rolloutPosition(name, node)).sort((a, b) => a - b)[0]! + 1;
    const next = step({ nodes: few, there: underWay({ share: first }) });
    assert.deepEqual(next.kind === "stage" && [next.stage.wave, next.stage.share], [2, wholeShare]);
  });

  test("pause, undo, and what comes after undo", () => {
    assert.deepEqual(step({ plan: { ...plan, order: "pause" } }), forever);
    const undo = { ...plan, order: "undo" } as const;
    const undone = step({ plan: undo });
    assert.equal(undone.kind === "stage" && undone.stage.share, 0);
    const there = underWay({ share: 0 });
    assert.deepEqual(step({ there, plan: undo }), forever);
    const again = step({ there });
    assert.equal(again.kind === "stage" && again.stage.share, shareOf(1));
  });

  test("without a roll-out under way orders change nothing", () => {
    for (const order of ["pause", "undo", "force"] as const) {
      assert.deepEqual(step({ there: setAt("new"), plan: { ...plan, order } }), forever);
    }
  });
});
