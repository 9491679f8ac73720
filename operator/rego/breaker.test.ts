import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@guardbee/kube";
import { Breaker } from "./breaker.ts";

const broken = "is broken: it overran 3 times, and is tried again ever more seldom: took long";

function aBreaker() {
  let nowMs = 1_000_000;
  const breaker = new Breaker({ ...systemClock, monotonic: () => nowMs });
  const pass = (ms: number) => {
    nowMs += ms;
  };
  /** What becomes of `count` evaluations that would overrun. */
  const overrun = (owner: string | undefined, count: number) =>
    Array.from({ length: count }, () => {
      const refusal = breaker.refusal(owner);
      if (refusal === undefined) breaker.overran(owner, "took long");
      return refusal ?? "tried";
    });
  return { breaker, pass, overrun };
}

test("three overruns break it, and it is tried again after a minute, and then ever more seldom", () => {
  const { pass, overrun } = aBreaker();
  assert.deepEqual(overrun("shop", 5), ["tried", "tried", "tried", broken, broken]);
  pass(59_999);
  assert.deepEqual(overrun("shop", 1), [broken]);
  pass(1);
  assert.deepEqual(overrun("shop", 2), ["tried", broken]);
  pass(60_000);
  assert.deepEqual(overrun("shop", 1), [broken]);
  pass(60_000);
  assert.deepEqual(overrun("shop", 2), ["tried", broken]);
  for (let i = 0; i < 20; i++) {
    pass(3_600_000);
    assert.deepEqual(overrun("shop", 2), ["tried", broken]);
  }
});

test("it breaks for whose policies overrun, and for nobody else", () => {
  const { breaker, overrun } = aBreaker();
  overrun("shop", 3);
  assert.deepEqual(overrun("bank", 1), ["tried"]);
  assert.equal(breaker.refusal(undefined), undefined);
  assert.equal(breaker.brokenFor("any"), broken);
  assert.equal(breaker.brokenFor(undefined), undefined);
});

test("successes between overruns do not keep it whole", () => {
  const { breaker, overrun } = aBreaker();
  for (let i = 0; i < 2; i++) {
    overrun("shop", 1);
    assert.equal(breaker.succeeded("shop"), false);
  }
  overrun("shop", 1);
  breaker.succeeded("shop"); // of one that began before
  assert.equal(breaker.refusal("shop"), broken);
});

test("a success when it is tried again mends it, and the next break lasts longer", () => {
  const { breaker, pass, overrun } = aBreaker();
  overrun("shop", 3);
  pass(60_000);
  assert.equal(breaker.refusal("shop"), undefined);
  assert.equal(breaker.succeeded("shop"), true);
  assert.equal(breaker.brokenFor("any"), undefined);
  assert.equal(breaker.succeeded("shop"), false);
  assert.deepEqual(overrun("shop", 4), ["tried", "tried", "tried", broken]);
  pass(60_000);
  assert.deepEqual(overrun("shop", 1), [broken]);
});

test("overruns that are long ago do not count", () => {
  const { pass, overrun } = aBreaker();
  for (let i = 0; i < 10; i++) {
    assert.deepEqual(overrun(undefined, 1), ["tried"]);
    pass(300_001);
  }
  overrun("shop", 3);
  pass(3_600_000);
});
