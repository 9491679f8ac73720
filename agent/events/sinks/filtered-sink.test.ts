import assert from "node:assert/strict";
import { test } from "node:test";
import type { AgentEvent } from "../event.ts";
import { someEvents } from "../testing/some-events.ts";
import { FilteredSink } from "./filtered-sink.ts";
import type { Sink } from "./sink.ts";

test("what is held back is counted apart, and what passes whole is the same array", () => {
  const given: (readonly AgentEvent[])[] = [];
  const inner: Sink = {
    name: "file",
    write: (events) => given.push(events),
    run: async () => {},
    stats: () => {
      const delivered = given.flat().length;
      const dropped = { closed: 0, backlog: 0, error: 0 };
      return { delivered, bytes: 0, waiting: 0, dropped };
    },
  };
  const sink = new FilteredSink(inner, (event) => event.kind === "exec");
  const { bash, curl, denied } = someEvents();
  const all = [bash, curl];
  sink.write(all);
  sink.write([bash, denied]);
  sink.write([denied]);
  assert.deepEqual(given, [all, [bash]]);
  assert.equal(given[0], all);
  const { delivered, filtered } = sink.stats();
  assert.deepEqual([delivered, filtered, sink.name], [3, 2, "file"]);
});
