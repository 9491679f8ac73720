import assert from "node:assert/strict";
import { test } from "node:test";
import { apply, nodeNames, openFleet, pilotOn } from "../cluster/fleet.ts";
import { kernelObjects } from "../cluster/kernel-objects.ts";
import {
  applyReady,
  conditionOf,
  deletePolicy,
  denyWrites,
  denyWritesRef,
  policyBecomes,
} from "../cluster/policies.ts";
import { writeIn } from "../cluster/writes.ts";
import { kubectlOutput } from "../lab/cluster/kubectl.ts";

await openFleet();
const nodes = nodeNames();

const overrideRef = `${denyWritesRef}-override`;
const path = "/tmp/forbidden/x";

test("a node that cannot do all of a policy does nothing of it, and the status says why", async () => {
  const before = await kernelObjects("node-3");
  await apply(denyWrites({ variant: "-override" }));
  const { status, ...policy } = await policyBecomes(
    overrideRef,
    "reported by all nodes",
    ({ status }) => status?.nodes?.programmed === 2 && status.nodes.failed === 1,
  );
  const kernel = await kernelOf("node-3");
  const message =
    "__x64_sys_write: Override needs error injection, which this kernel is built without (CONFIG_FUNCTION_ERROR_INJECTION, CONFIG_BPF_KPROBE_OVERRIDE); use Sigkill, or a node with such a kernel";
  assert.equal(status?.nodes?.summary, "2/3");
  assert.deepEqual(status?.failures, [
    {
      ...{ reason: "KernelLacks", message, count: 1, nodes: ["node-3"] },
      ...{ kernel, arch: "amd64" },
    },
  ]);
  const { lastTransitionTime: _, ...programmed } = conditionOf(
    { ...policy, status },
    "Programmed",
  )!;
  assert.deepEqual(programmed, {
    ...{ type: "Programmed", status: "False", reason: "NodesFailed", observedGeneration: 1 },
    message: `1 of 3 nodes cannot hold it (node-3): KernelLacks: ${message}`,
  });
  const table = await kubectlOutput(["get", overrideRef]);
  assert.match(table, /^deny-tmp-forbidden-write-override +enforce +False +2\/3 +NodesFailed /m);
  for (const node of ["node-1", "node-2"] as const)
    assert.equal(await writeIn(pilotOn(node), path), "refused");
  assert.equal(await writeIn(pilotOn("node-3"), path), "allowed");
  assert.deepEqual(await kernelObjects("node-3"), before);
  await deletePolicy(overrideRef);
});

test("what every kernel of a mixed fleet can do is in force on each node", async () => {
  const { status } = await applyReady(denyWritesRef, denyWrites());
  assert.equal(status?.nodes?.summary, "3/3");
  assert.equal(status?.failures, undefined);
  for (const node of nodes) assert.equal(await writeIn(pilotOn(node), path), "killed");
});

async function kernelOf(node: string): Promise<string> {
  const field = "jsonpath={.status.nodeInfo.kernelVersion}";
  return kubectlOutput(["get", "node", node, "-o", field]);
}
