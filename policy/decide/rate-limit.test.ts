import assert from "node:assert/strict";
import { test } from "node:test";
import type { Post } from "../actions/post.ts";
import type { Arg } from "../selector-set.ts";
import type { Outcome } from "./decide.ts";
import { type LimitedCall, type Reported, rateLimited } from "./rate-limit.ts";

const outcome: Outcome = {
  ...{ set: "p", hook: 0, selector: 0, lastAction: "Post", monitored: false },
  actions: [{ action: "Signal", signal: 12 }],
  ...{ stop: "stopped", posted: true, signals: [12] },
};
type Made = Partial<Pick<LimitedCall, "thread" | "process" | "entry">> & {
  readonly at: number;
  readonly text?: string;
  readonly over?: Partial<Outcome>;
};
const args: readonly Arg[] = [{ index: 0, type: "string" }];

/** Whether each of the calls is reported. */
function posted(per: Post["per"], calls: readonly Made[]) {
  let reported: Reported = new Map();
  const limit: Post = { action: "Post", every: 60, ...(per && { per }) };
  return calls.map(({ text = "", over = {}, ...made }) => {
    const outcomes = [{ ...outcome, actions: [...outcome.actions, limit], ...over }];
    const bytes = new TextEncoder().encode(text);
    const given = { parameters: [{ kind: "buffer", bytes }], descriptors: new Map() } as const;
    const call = { ...{ thread: 1, process: 1, entry: "" }, ...made, given, argsOf: () => args };
    const after = rateLimited(outcomes, reported, call);
    reported = after.reported;
    return after.outcomes[0]?.posted;
  });
}

test("of alike calls one is reported in a period, which begins with it", () => {
  const at = [5, 5, 64, 65, 66, 124, 125].map((at) => ({ at }));
  assert.deepEqual(posted("thread", at), [true, false, false, true, false, false, true]);
});

test("alike are those of a thread, of a process, or of all", () => {
  const calls = [{}, { thread: 2 }, { thread: 3, process: 3 }, { thread: 3, process: 3 }];
  const made = calls.map((one) => ({ at: 0, ...one }));
  assert.deepEqual(posted("thread", made), [true, true, true, false]);
  assert.deepEqual(posted("process", made), [true, false, true, false]);
  assert.deepEqual(posted("global", made), [true, false, false, false]);
});

test("alike are those of one selector, hook, policy and entry", () => {
  const others = [{ selector: 1 }, { hook: 1 }, { set: "q" }].map((over) => ({ at: 1, over }));
  const calls = [{ at: 0 }, ...others, { at: 1, entry: "int 0x80" }, { at: 1 }];
  assert.deepEqual(posted("global", calls), [true, true, true, true, true, false]);
});

test("alike are those with the same arguments, of which the length and the beginning count", () => {
  const long = "x".repeat(40);
  const texts = ["a", "b", "a", `${long}a`, `${long}b`, `${long}ab`];
  const made = texts.map((text) => ({ at: 0, text }));
  assert.deepEqual(posted("global", made), [true, true, false, true, false, true]);
});

test("what is not reported anyway begins no period, and only the event is held back", () => {
  const silent = { at: 0, over: { posted: false } };
  assert.deepEqual(posted("thread", [silent, { at: 1 }, { at: 2 }]), [false, true, false]);
  const call: LimitedCall = {
    ...{ thread: 1, process: 1, entry: "", at: 0 },
    ...{ given: { parameters: [], descriptors: new Map() }, argsOf: () => [] },
  };
  const actions = [...outcome.actions, { action: "Post", every: 9, per: "thread" } as const];
  const first = rateLimited([{ ...outcome, actions }], new Map(), call);
  const second = rateLimited([{ ...outcome, actions }], first.reported, call);
  assert.deepEqual(second.outcomes, [{ ...outcome, actions, posted: false }]);
});
