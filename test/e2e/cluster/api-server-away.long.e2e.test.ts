import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { patienceMs } from "../guardbee.ts";
import { execOnNode, waitForReady } from "../lab/cluster/cluster.ts";
import { startApiServer, stopApiServer } from "../lab/cluster/control-plane.ts";
import { kubectlOutput } from "../lab/cluster/kubectl.ts";
import { waitFor } from "../lab/progress.ts";
import { agentPids, closed, denyLabelled, exitCode, labels, node, spec, writer } from "./away.ts";
import { aPod, nodeNames, openFleet } from "./fleet.ts";
import { applyReady } from "./policies.ts";

await openFleet();
const manifest = "/etc/kubernetes/manifests/static.yaml";

before(() => applyReady("tracingpolicy/closed", denyLabelled("closed", closed, "Deny")));
after(async () => {
  await execOnNode(node, ["rm", "-f", manifest]);
  await kubectlOutput(["delete", "pods", "--ignore-not-found", "--wait=false", `static-${node}`]);
});

test("while the API server is down, and the agent is killed, it holds in a pod that the node itself makes", async () => {
  const pod = aPod({ name: "static", node, labels, containers: [writer(closed)], spec });
  await stopApiServer();
  try {
    const write = `kill -9 $(${agentPids}); cat >${manifest}`;
    const input = JSON.stringify(pod);
    const { exitCode: code, stderr } = await execOnNode(node, ["/bin/sh", "-c", write], { input });
    assert.equal(code, 0, stderr);
    await waitFor("the container to end", () => containerEnded("default_static-"), {
      timeoutMs: patienceMs,
      everyMs: 1_000,
    });
  } finally {
    await startApiServer();
  }
  await waitForReady(nodeNames(), patienceMs);
  assert.equal(await exitCode(`static-${node}`), "137");
});

/** Whether the pod's container has made its log, and no process of it is left. */
async function containerEnded(pod: string): Promise<true | undefined> {
  const script = `ls -d /var/log/pods/${pod}*/writer/0.log && ! pgrep -x dd`;
  const { exitCode } = await execOnNode(node, ["/bin/sh", "-c", script]);
  return exitCode === 0 ? true : undefined;
}
