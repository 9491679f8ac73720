import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeStops } from "../fleet/node-report.ts";
import { mayOmitStops, stoppedTooMuch, stopsOf } from "./stops.ts";

const view = { hash: "h", mode: "enforce", nodes: undefined, countStops: true } as const;
const mine = (count: number, hash = "h"): NodeStops => ({ set: "p", hash, count });

/** A fleet whose nodes report these stops, and leave out as many sets. */
function aFleet(reports: Readonly<Record<string, readonly [readonly NodeStops[], number?]>>) {
  return {
    nodesFor: () => Object.keys(reports),
    nodeSets: (node: string) => {
      const [stops, stopsOmitted = 0] = reports[node]!;
      const report = { exceptions: [], stops, stopsOmitted };
      return { node, ownerUid: undefined, sets: [], report };
    },
  };
}

test("stops of this content count, by node; those of protected processes alone do not", () => {
  const fleet = aFleet({ a: [[mine(5)]], b: [[mine(0)]], c: [[mine(9, "other")]], d: [[mine(2)]] });
  assert.deepEqual(stopsOf("p", view, "h", fleet), { count: 7, nodes: ["a", "d"], each: [5, 2] });
});

test("a node that left sets out may have stops of any that it does not list", () => {
  const fleet = aFleet({ a: [[], 3], b: [[mine(1)], 3], c: [[]] });
  assert.deepEqual(
    ["a", "b", "c"].map((node) => mayOmitStops("p", node, fleet)),
    [true, false, false],
  );
});

test("a wave that was halted for its stops stays halted when the counts are gone, and no other is", () => {
  const startedMs = Date.parse("2026-01-01T00:00:00Z");
  const rollout = { wave: 0, share: 1, startedMs, previous: undefined };
  const status = (lastTransitionTime: string, observedGeneration: number) => ({
    conditions: [
      {
        ...({ type: "Stalled", status: "True", reason: "RolloutHalted", message: "" } as const),
        ...{ lastTransitionTime, observedGeneration },
      },
    ],
    rollout: { state: "Halted", wave: 1, waves: 2, stops: 200 } as const,
  });
  const count = { programmed: 3, failed: 0, pending: 0 };
  const gone = { count: 0, nodes: [], each: [] };
  const at = { count, view: { ...view, rollout }, generation: 2 };
  const halts = (of: ReturnType<typeof status>, max: number) =>
    stoppedTooMuch(gone, max, { ...at, status: of });
  assert.equal(halts(status("2026-01-01T00:00:07Z", 2), 100), true);
  assert.equal(halts(status("2026-01-01T00:00:07Z", 2), 200), false, "the limit was raised");
  assert.equal(halts(status("2026-01-01T00:00:07Z", 1), 100), false, "the policy was corrected");
  assert.equal(halts(status("2025-12-31T00:00:07Z", 2), 100), false, "another roll-out");
});
