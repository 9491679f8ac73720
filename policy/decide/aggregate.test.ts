import assert from "node:assert/strict";
import { test } from "node:test";
import { aggregated, type Windows } from "./aggregate.ts";
import type { Outcome } from "./decide.ts";

const outcome: Outcome = {
  ...{ set: "p", hook: 0, selector: 0, lastAction: "Aggregate", monitored: false },
  actions: [
    { action: "Signal", signal: 12 },
    { action: "Aggregate", window: 60 },
  ],
  ...{ stop: "stopped", posted: true, signals: [12] },
};

/** Whether each of the calls is reported. */
function posted(
  calls: readonly { readonly at: number; process?: number; over?: Partial<Outcome> }[],
) {
  let windows: Windows = new Map();
  return calls.map(({ at, process = 1, over = {} }) => {
    const after = aggregated([{ ...outcome, ...over }], windows, { process, at });
    windows = after.windows;
    return after.outcomes[0]?.posted;
  });
}

test("the first in a window is reported; a window begins with an event, not with the one before", () => {
  const at = [5, 5, 64, 65, 66, 124, 125].map((at) => ({ at }));
  assert.deepEqual(posted(at), [true, false, false, true, false, false, true]);
});

test("each process, selector, hook and policy has windows of its own", () => {
  const others = [{ selector: 1 }, { hook: 1 }, { set: "q" }].map((over) => ({ at: 1, over }));
  assert.deepEqual(posted([{ at: 0 }, { at: 1, process: 2 }, ...others, { at: 2 }]), [
    ...[true, true, true, true, true],
    false,
  ]);
});

test("only the event is held back", () => {
  const windows = new Map([["p\n0\n0\n1", 0]]);
  const held = aggregated([outcome], windows, { process: 1, at: 1 }).outcomes;
  assert.deepEqual(held, [{ ...outcome, posted: false }]);
});

test("without Aggregate each is reported", () => {
  const over = { actions: [] };
  assert.deepEqual(
    posted([
      { at: 0, over },
      { at: 0, over },
    ]),
    [true, true],
  );
});
