import assert from "node:assert/strict";
import { test } from "node:test";
import type { AgentEvent } from "./event.ts";
import { createSaidInBoth } from "./testing/said-in-both.ts";
import { Throttles } from "./throttles.ts";

const said = createSaidInBoth({ nodeName: "n1", bootToWallNs: (ns) => ns });

function watch(intervalMs: number) {
  let at = 0;
  let over: readonly bigint[] = [];
  const throttles = new Throttles({
    ...{ intervalMs, readOver: () => new Set(over) },
    nameOf: (id) => (id === 7n ? "kubepods-pod7.slice" : undefined),
    monotonic: () => at,
    now: () => 1_000_000 + at,
  });
  const look = (ms: number, ...now: readonly bigint[]) => {
    [at, over] = [ms, now];
    return throttles.take();
  };
  return { look };
}

const typesOf = (events: readonly AgentEvent[]) =>
  events.map((event) => event.kind === "throttle" && `${event.type} ${event.cgroup}`);

test("a cgroup is told once when it begins, and once when it has had no more for an interval", () => {
  const { look } = watch(3000);
  assert.deepEqual(typesOf(look(0)), []);
  assert.deepEqual(typesOf(look(1000, 7n)), ["THROTTLE_START kubepods-pod7.slice"]);
  assert.deepEqual(typesOf(look(2000)), []);
  assert.deepEqual(typesOf(look(5000)), []);
  assert.deepEqual(typesOf(look(5000, 7n)), []);
  assert.deepEqual(typesOf(look(9000)), []);
  assert.deepEqual(typesOf(look(9001)), ["THROTTLE_STOP kubepods-pod7.slice"]);
  assert.deepEqual(typesOf(look(20_000)), []);
  assert.deepEqual(typesOf(look(21_000, 7n)), ["THROTTLE_START kubepods-pod7.slice"]);
});

test("each cgroup is told on its own, one without a name by its number", () => {
  const { look } = watch(1000);
  assert.deepEqual(typesOf(look(0, 7n, 8n)), [
    "THROTTLE_START kubepods-pod7.slice",
    "THROTTLE_START 8",
  ]);
  assert.deepEqual(typesOf(look(2500, 8n)), ["THROTTLE_STOP kubepods-pod7.slice"]);
});

test("a line and a message say the same, as upstream's", () => {
  const [start] = watch(1000).look(500, 7n);
  assert.equal(
    said(start!),
    '{"process_throttle":{"type":"THROTTLE_START","cgroup":"kubepods-pod7.slice"},"node_name":"n1","time":"1970-01-01T00:16:40.500Z"}\n',
  );
});
