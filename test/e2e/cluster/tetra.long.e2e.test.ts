import assert from "node:assert/strict";
import { test } from "node:test";
import { kubectlOutput } from "../lab/cluster/kubectl.ts";
import { openFleet, pilotOn } from "./fleet.ts";
import { applyReady, denyWrites, denyWritesRef, policyBecomes, statusOf } from "./policies.ts";
import { tetra } from "./tetra.ts";
import { writeIn, writesBecome } from "./writes.ts";

await openFleet();
const node = "node-1";

test("policies are added, put in another mode and deleted on a node, and the cluster's are as they were", async () => {
  await applyReady(denyWritesRef, denyWrites());
  const ofCluster = async () => {
    const json = await kubectlOutput(["get", "tracingpolicies,nodepolicysets", "-o", "json"]);
    return JSON.parse(json).items.map(({ status }: { readonly status: unknown }) => status);
  };
  const before = await ofCluster();
  const policy = denyWrites({ prefix: "/tmp/left/" }).replaceAll(
    "deny-tmp-forbidden-write",
    "local",
  );
  assert.equal(await tetra(node, "tp add -", policy), 'tracing policy "/dev/stdin" added\n');
  assert.equal(await writeIn(pilotOn(node), "/tmp/left/x"), "killed");
  assert.equal(await writeIn(pilotOn("node-3"), "/tmp/left/x"), "allowed");
  const rows = (await tetra(node, "tp list")).trimEnd().split("\n");
  const shown = rows.slice(1).map((row) => row.split(/ {3,}/));
  assert.deepEqual(shown.map(([, name, domain, state]) => [name, domain, state]).sort(), [
    ["deny-tmp-forbidden-write", "k8s", "enabled"],
    ["local", "grpc", "enabled"],
  ]);
  await tetra(node, "tp set-mode local monitor");
  assert.equal(await writeIn(pilotOn(node), "/tmp/left/x"), "allowed");
  await tetra(node, "tp delete local");
  assert.equal(await writeIn(pilotOn(node), "/tmp/left/x"), "allowed");
  assert.equal(await writeIn(pilotOn(node), "/tmp/forbidden/x"), "killed");
  assert.deepEqual(await ofCluster(), before);
});

test("a policy of the cluster that is put in mode monitor on a node says so in its status", async () => {
  const set = "tp set-mode deny-tmp-forbidden-write";
  await tetra(node, `${set} monitor --domain k8s`);
  assert.equal(await writeIn(pilotOn(node), "/tmp/forbidden/x"), "allowed");
  const seen = await policyBecomes(
    denyWritesRef,
    "not Ready",
    (policy) => statusOf(policy, "Ready") === "False",
  );
  const ready = seen.status!.conditions!.find(({ type }) => type === "Ready")!;
  assert.match(ready.message, /ChangedOnNode: was set to mode monitor on this node over gRPC/);
  await tetra(node, `${set} enforce --domain k8s`);
  await policyBecomes(denyWritesRef, "Ready", (policy) => statusOf(policy, "Ready") === "True");
  await writesBecome(pilotOn(node), "/tmp/forbidden/x", "killed");
});
