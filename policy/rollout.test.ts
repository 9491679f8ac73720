import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseRollout, rolloutPosition, wholeShare } from "./rollout.ts";

describe("roll-outs of a policy", () => {
  test("waves, interval and order are read from annotations", () => {
    const parsed = parseRollout({
      "guardbee.io/rollout-waves": "1, 10%,100%",
      "guardbee.io/rollout-interval": "5m",
      "guardbee.io/rollout": "pause",
    });
    const waves = [
      { kind: "nodes", count: 1 },
      { kind: "percent", percent: 10 },
      { kind: "percent", percent: 100 },
    ];
    assert.deepEqual(parsed, { ok: true, value: { waves, intervalMs: 300_000, order: "pause" } });
  });

  test("without annotations the default holds", () => {
    const byDefault = { waves: [{ kind: "percent", percent: 100 }], intervalMs: 7 } as const;
    assert.deepEqual(parseRollout({}, byDefault), { ok: true, value: byDefault });
  });

  const wrong: readonly (readonly [string, string])[] = [
    ...["", "1", "10%", "100%,1", "10%,5%,100%", "2,1,100%", "0,100%", "101%", "1,x,100%"].map(
      (text) => ["rollout-waves", text] as const,
    ),
    ...["", "5", "m", "1d", "-1s"].map((text) => ["rollout-interval", text] as const),
    ["rollout-max-stops", "-1"],
    ["rollout", "stop"],
    ["monitor-first", "soon"],
  ];
  for (const [key, text] of wrong) {
    test(`${key} ${JSON.stringify(text)} is refused, with what is allowed`, () => {
      const parsed = parseRollout({ [`guardbee.io/${key}`]: text });
      assert.ok(!parsed.ok);
      const [problem] = parsed.problems;
      assert.equal(problem?.field, `metadata.annotations[guardbee.io/${key}]`);
      assert.match(problem.fix, /^write /);
    });
  }

  test("positions are spread evenly and differ from set to set", () => {
    const nodes = Array.from({ length: 4_000 }, (_, i) => `node-${i}`);
    for (const set of ["tracingpolicy.a", "tracingpolicy.b"]) {
      const positions = nodes.map((node) => rolloutPosition(set, node));
      assert.ok(positions.every((one) => one >= 0 && one < wholeShare));
      const tenth = positions.filter((one) => one < wholeShare / 10).length;
      assert.ok(tenth > 320 && tenth < 480, `${tenth} of 4,000 in the first tenth`);
    }
    const first = (set: string) =>
      nodes.toSorted((a, b) => rolloutPosition(set, a) - rolloutPosition(set, b))[0];
    assert.notEqual(first("tracingpolicy.a"), first("tracingpolicy.b"));
  });
});
