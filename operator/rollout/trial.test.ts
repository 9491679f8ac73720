import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hashSets, type SelectorSet } from "@guardbee/policy";
import type { SetEntry } from "../fleet/objects.ts";
import { monitorFirst, type TrialInput } from "./trial.ts";

const set: SelectorSet = {
  policy: { kind: "TracingPolicy", name: "p" },
  mode: "enforce",
  scope: { host: true },
  hooks: [],
};
const judged = {
  ...({ kind: "accepted", mode: "enforce", enforces: true, nodes: undefined } as const),
  ...{ hash: hashSets([set]), sets: [set] },
};
const monitorHash = hashSets([{ ...set, mode: "monitor" }]);
const sinceMs = Date.parse("2026-01-01T00:00:00Z");
const since = "2026-01-01T00:00:00Z";

function setAt(hash: string, mode: SetEntry["mode"]): SetEntry {
  return {
    name: "p",
    hash,
    mode,
    nodes: undefined,
    ownerUid: "u",
    uid: "u",
    generation: 1,
    countStops: true,
  };
}

function tried(input: Partial<TrialInput> = {}) {
  return monitorFirst({
    ...{ judged, monitorFirstMs: 60_000, there: setAt(monitorHash, "monitor"), held: true },
    before: { state: "Monitoring", hash: monitorHash, since, wouldStop: 0 },
    stops: () => ({ count: 0, nodes: [] }),
    nowMs: sinceMs + 60_000,
    ...input,
  });
}

describe("monitor first", () => {
  test("what is new begins in monitor mode, and says when it may enforce", () => {
    const { judged: now, trial, dueInMs } = tried({ there: undefined, before: undefined });
    assert.deepEqual([now.mode, now.requested, now.hash], ["monitor", "enforce", monitorHash]);
    assert.deepEqual(now.sets, [{ ...set, mode: "monitor" }]);
    const at = "2026-01-01T00:01:00Z";
    assert.deepEqual(trial, { state: "Monitoring", hash: monitorHash, since: at, wouldStop: 0 });
    assert.equal(dueInMs, 60_000);
  });

  test("it enforces when the time has passed, every node holds it, and nothing was stopped", () => {
    assert.deepEqual(tried(), { judged, dueInMs: Number.POSITIVE_INFINITY });
    const early = tried({ nowMs: sinceMs + 20_000 });
    assert.deepEqual([early.judged.mode, early.dueInMs], ["monitor", 40_000]);
    const unheld = tried({ held: false });
    assert.deepEqual([unheld.judged.mode, unheld.dueInMs], ["monitor", Number.POSITIVE_INFINITY]);
  });

  test("one call that it would have stopped keeps it in monitor mode, also when agents forget", () => {
    const stops = () => ({ count: 2, nodes: ["b", "a"] });
    const { judged: now, trial } = tried({ stops });
    assert.equal(now.mode, "monitor");
    const held = { state: "Held", hash: monitorHash, since, wouldStop: 2, nodes: ["a", "b"] };
    assert.deepEqual(trial, held);
    assert.deepEqual(tried({ before: trial }).trial, held);
  });

  test("an edit in monitor mode is tried anew", () => {
    const before = { state: "Held", hash: "earlier", since, wouldStop: 5 } as const;
    const { trial } = tried({ there: setAt("earlier", "monitor"), before });
    assert.deepEqual([trial?.state, trial?.wouldStop], ["Monitoring", 0]);
  });

  test("what enforces already, is in monitor mode by itself, or stops nothing is not tried", () => {
    const inForce = setAt("earlier", "enforce");
    const monitor = { ...judged, mode: "monitor" } as const;
    const reports = { ...judged, enforces: false };
    for (const input of [
      { there: inForce },
      { judged: monitor },
      { judged: reports },
      { monitorFirstMs: undefined },
    ]) {
      const { judged: now, trial } = tried(input);
      assert.deepEqual([now, trial], [input.judged ?? judged, undefined]);
    }
  });

  test("a time that nobody can read begins anew, and throws nothing", () => {
    const before = { state: "Monitoring", hash: monitorHash, since: "soon", wouldStop: 0 } as const;
    const { judged: now, trial, dueInMs } = tried({ before });
    assert.deepEqual(
      [now.mode, trial?.since, dueInMs],
      ["monitor", "2026-01-01T00:01:00Z", 60_000],
    );
  });
});
