import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@guardbee/kube";
import fc from "fast-check";
import { enums } from "../../gen/layout.ts";
import type { AgentEvent } from "../event.ts";
import { someEvents } from "../testing/some-events.ts";
import { FilteredSink } from "./filtered-sink.ts";
import { RateLimitedSink } from "./rate-limited-sink.ts";
import type { Sink } from "./sink.ts";

const { bash, denied } = someEvents();
const killed: AgentEvent = { ...denied, flags: enums.hook_flag.HOOK_STOPPED };

function limited(perMinute: number) {
  const clock = new ManualClock();
  const given: AgentEvent[] = [];
  const inner: Sink = {
    name: "file",
    write: (events) => given.push(...events),
    run: (signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve())),
    stats: () => {
      const dropped = { closed: 0, backlog: 0, error: 0 };
      return { delivered: given.length, bytes: 0, waiting: 0, dropped };
    },
  };
  return { clock, given, sink: new RateLimitedSink(inner, perMinute, clock) };
}

const kinds = (events: readonly AgentEvent[]) =>
  events.map((event) => (event.kind === "dropped" ? event.count : event.kind));

test("so many pass at once and in a minute, and the sink is told of the others once a minute", async () => {
  const { clock, given, sink } = limited(3);
  const stop = new AbortController();
  const running = sink.run(stop.signal);
  sink.write(Array(5).fill(bash));
  await clock.asleep(1);
  await clock.advance(20_000); // a third of a minute: one more
  sink.write([bash, bash]);
  await clock.advance(40_000);
  await clock.asleep(1);
  await clock.advance(60_000);
  await clock.asleep(1);
  sink.write(Array(4).fill(bash));
  stop.abort();
  await running;
  const exec = "exec";
  assert.deepEqual(kinds(given), [exec, exec, exec, exec, 3, exec, exec, exec, 1]);
  const { delivered, dropped, told } = sink.stats();
  assert.deepEqual([delivered, dropped.rateLimit, told], [9, 4, 2]);
});

test("what tells of a stop passes whatever the rate", () => {
  const { given, sink } = limited(1);
  sink.write([bash, killed, bash, killed, denied]);
  assert.deepEqual(given, [bash, killed, killed]);
  assert.equal(sink.stats().dropped.rateLimit, 2);
});

test("what is given is what is delivered, dropped by a cause or filtered; what was told is more", async () => {
  const step = fc.oneof(
    fc.record({ write: fc.array(fc.constantFrom(bash, denied, killed), { maxLength: 20 }) }),
    fc.record({ wait: fc.integer({ min: 1, max: 70_000 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step), fc.integer({ min: 1, max: 30 }), async (steps, perMinute) => {
      const { clock, given, sink: inner } = limited(perMinute);
      const sink = new FilteredSink(inner, (event) => event !== denied);
      const stop = new AbortController();
      const running = sink.run(stop.signal);
      await clock.asleep(1);
      let produced = 0;
      for (const step of steps) {
        if ("write" in step) {
          produced += step.write.length;
          sink.write(step.write);
        } else {
          await clock.advance(step.wait);
          await clock.asleep(1);
        }
      }
      stop.abort();
      await running;
      const { delivered, filtered = 0, told = 0, dropped } = sink.stats();
      assert.equal(produced + told, delivered + filtered + (dropped.rateLimit ?? 0));
      const said = given.reduce((sum, one) => sum + (one.kind === "dropped" ? one.count : 0), 0);
      assert.equal(said, dropped.rateLimit);
    }),
  );
});
