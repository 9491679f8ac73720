import assert from "node:assert/strict";
import { test } from "node:test";
import { KubeError } from "./kube-error.ts";
import { type Cause, causeOf, nextState, type ReflectorState } from "./reflector-state.ts";

const watching: ReflectorState = { kind: "watching", resourceVersion: "5", failures: 0 };
const closed: Cause = { why: "closed" };
const failed: Cause = { why: "failed", error: new Error("dropped") };

test("a watch that the server ends after a while is renewed at once from where it was", () => {
  const step = { kind: "ended", cause: closed, resourceVersion: "9", progress: "some" } as const;
  assert.deepEqual(nextState(watching, step, 0), {
    kind: "watching",
    resourceVersion: "9",
    failures: 0,
  });
});

test("410 lists again, at once after progress and with back-off without", () => {
  const step = { kind: "ended", cause: { why: "gone" }, resourceVersion: "5" } as const;
  assert.deepEqual(nextState(watching, { ...step, progress: "some" }, 0), {
    kind: "listing",
    failures: 0,
  });
  assert.deepEqual(nextState(watching, { ...step, progress: "none" }, 0), {
    kind: "waiting",
    delayMs: 250,
    reason: "410: the version is no longer kept",
    resourceVersion: undefined,
    failures: 1,
  });
});

test("the fourth watch in a row that fails makes it list", () => {
  const step = { kind: "ended", cause: failed, resourceVersion: "5", progress: "none" } as const;
  const versions = [0, 1, 2, 3].map((failures) => {
    const next = nextState({ ...watching, failures }, step, 0);
    return next.kind === "waiting" ? next.resourceVersion : next.kind;
  });
  assert.deepEqual(versions, ["5", "5", "5", undefined]);
});

test("back-off doubles to 30 s and is spread over half of it", () => {
  const delays = [0, 1, 5, 20].map((failures) =>
    [0, 1].map((random) => {
      const next = nextState(
        { kind: "listing", failures },
        { kind: "failed", cause: failed },
        random,
      );
      return next.kind === "waiting" ? next.delayMs : undefined;
    }),
  );
  assert.deepEqual(delays, [
    [250, 500],
    [500, 1000],
    [8000, 16000],
    [15000, 30000],
  ]);
});

test("a delay that the server asked for is kept at least", () => {
  const refusal = { status: 429, reason: "TooManyRequests", message: "wait", retryAfterMs: 9000 };
  const cause = causeOf(new KubeError("GET /x", refusal));
  const next = nextState({ kind: "listing", failures: 0 }, { kind: "failed", cause }, 0);
  assert.equal(next.kind === "waiting" && next.delayMs, 9000);
});

test("after waiting it goes on where it was, or lists", () => {
  const waiting = { kind: "waiting", delayMs: 1, reason: "", failures: 2 } as const;
  const waited = { kind: "waited" } as const;
  assert.deepEqual(nextState({ ...waiting, resourceVersion: "7" }, waited, 0), {
    kind: "watching",
    resourceVersion: "7",
    failures: 2,
  });
  assert.deepEqual(nextState({ ...waiting, resourceVersion: undefined }, waited, 0), {
    kind: "listing",
    failures: 2,
  });
});
