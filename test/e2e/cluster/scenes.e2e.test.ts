import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  applyPods,
  applyPolicies,
  compactEvents,
  examples,
  manifests,
  waitForPods,
} from "../guardbee.ts";
import { kubectlOutput } from "../lab/cluster/kubectl.ts";
import { capabilityScene, expectedEvents, sceneEvents, viScene } from "../scenes.ts";
import { openFleet } from "./fleet.ts";

await openFleet();
await applyPods(join(manifests, "xwing.yaml"));
await waitForPods("xwing", "ywing");
const policies = ["deny-tmp-forbidden-write.yaml", "exec-policy-example.yaml"];
await applyPolicies(...policies.map((name) => join(examples, name)));

after(async () => {
  const pods = ["xwing", "ywing", "deathstar"];
  await kubectlOutput(["delete", "pods", "--ignore-not-found", ...pods]);
});

test("vi may open and read a forbidden file, and is killed when it writes", async () => {
  assert.deepEqual((await viScene()).wrong, []);
});

test("a privileged pod is killed at its first exec, an ordinary one is not", async () => {
  assert.deepEqual((await capabilityScene()).wrong, []);
});

test("the compact events of the node tell both stories", async () => {
  const events = await compactEvents(await sceneEvents("node-1"));
  const missing = expectedEvents.filter((event) => !events.some((line) => event.test(line)));
  assert.deepEqual(missing, [], events.join("\n"));
});
