import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock, resources } from "@guardbee/kube";
import { pino } from "pino";
import { FakeApi } from "./fake-api.ts";
import { NodeLabels } from "./node-labels.ts";

test("a node's labels are known once the API server answers, and follow it within two hours", async () => {
  const api = new FakeApi();
  const clock = new ManualClock();
  const node = new NodeLabels({
    ...{ connection: api, nodeName: "n1", clock, log: pino({ level: "silent" }) },
    random: () => 0.5,
  });
  const end = new AbortController();
  const run = node.run(end.signal);
  await clock.asleep(1);
  assert.equal(node.labels(), undefined);
  api.put(resources.node, { metadata: { name: "n1", labels: { zone: "a" } } });
  await clock.advance(2_000);
  await clock.asleep(1);
  assert.deepEqual(node.labels(), { zone: "a" });
  api.put(resources.node, { metadata: { name: "n1", labels: { zone: "b" } } });
  await clock.advance(3_600_000);
  await clock.asleep(1);
  assert.deepEqual(node.labels(), { zone: "b" });
  end.abort();
  await run;
});
