import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@guardbee/kube";
import { HalfTime } from "./half-time.ts";

const never = new AbortController().signal;

test("each piece of work is followed by a pause as long, whatever it gives", async () => {
  const clock = new ManualClock();
  let nowMs = 0;
  const spend = (ms: number) => {
    nowMs += ms;
  };
  const half = new HalfTime({ ...clockOf(clock), monotonic: () => nowMs });
  const done: string[] = [];
  const first = half.run("api", () => spend(30), never).then(() => done.push("first"));
  const second = half.run(
    "api",
    () => {
      spend(500);
      throw new Error("second");
    },
    never,
  );
  second.catch((error: Error) => done.push(error.message));
  const third = half.run("api", () => "third", never).then((name) => done.push(name));
  await clock.advance(29);
  assert.deepEqual(done, ["first"]);
  await clock.advance(1);
  assert.deepEqual(done, ["first", "second"]);
  await clock.advance(499);
  assert.deepEqual(done, ["first", "second"]);
  await clock.advance(1);
  await Promise.all([first, third]);
  assert.deepEqual(done, ["first", "second", "third"]);
});

test("peers take turns: who asks for much does not keep others waiting", async () => {
  const half = new HalfTime(new ManualClock());
  const done: string[] = [];
  const ask = (peer: string, name: string) => half.run(peer, () => void done.push(name), never);
  const flood = ["a1", "a2", "a3", "a4"].map((name) => ask("a", name));
  await Promise.all([...flood, ask("api", "api1"), ask("b", "b1"), ask("api", "api2")]);
  assert.deepEqual(done, ["a1", "a2", "api1", "b1", "a3", "api2", "a4"]);
});

test("whoever waits no longer is passed over", async () => {
  const clock = new ManualClock();
  const half = new HalfTime(clock);
  const gone = new AbortController();
  const waiting = half.run("api", () => assert.fail("is not run"), gone.signal);
  gone.abort(new Error("gone"));
  await assert.rejects(waiting, /^Error: gone$/);
  assert.equal(await half.run("api", () => 1, never), 1);
});

function clockOf(clock: ManualClock) {
  return {
    now: () => clock.now(),
    sleep: (ms: number, signal: AbortSignal) => clock.sleep(ms, signal),
  };
}
