import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { patienceMs, rolledOut, systemNamespace } from "../guardbee.ts";
import { execOnNode } from "../lab/cluster/cluster.ts";
import { kubectlOutput } from "../lab/cluster/kubectl.ts";
import { waitFor } from "../lab/progress.ts";
import {
  agentPids,
  closed,
  denyLabelled,
  exitCode,
  labels,
  node,
  open,
  spec,
  writer,
} from "./away.ts";
import { aPod, apply, openFleet, waitTimeout } from "./fleet.ts";
import { applyReady, conditionOf, policyBecomes } from "./policies.ts";
import { writesBecome } from "./writes.ts";

await openFleet();

before(async () => {
  await applyReady("tracingpolicy/closed", denyLabelled("closed", closed, "Deny"));
  await applyReady("tracingpolicy/open", denyLabelled("open", open, ""));
});
after(async () => {
  const pods = ["closed", "not-asked", "late"];
  await kubectlOutput(["delete", "pods", "--ignore-not-found", "--wait=false", ...pods]);
});

async function agentRuns(): Promise<boolean> {
  return (await execOnNode(node, ["/bin/sh", "-c", agentPids])).exitCode === 0;
}

/** Where the DaemonSet runs; null: everywhere again. */
async function agentsOn(label: string | null): Promise<void> {
  const patch = { spec: { template: { spec: { nodeSelector: { "guardbee-test/away": label } } } } };
  const daemonSet = ["-n", systemNamespace, "patch", "daemonset/guardbee-agent"];
  await kubectlOutput([...daemonSet, "-p", JSON.stringify(patch)]);
}

test("while the agent is away a policy for unknown pods holds from a pod's first instruction; the status counts who came", async () => {
  const agents = ["pods", "-n", systemNamespace, "-l", "app.kubernetes.io/name=guardbee-agent"];
  try {
    await agentsOn("nowhere");
    await kubectlOutput(["delete", ...agents, "--force", "--grace-period=0", "--ignore-not-found"]);
    await waitFor("the agent to be gone", async () => !(await agentRuns()) || undefined, {
      timeoutMs: patienceMs,
      everyMs: 500,
    });
    const sleeper = { name: "pilot", command: ["/bin/sh", "-c", "exec sleep infinity"] };
    await apply([
      aPod({ name: "closed", node, labels, containers: [writer(closed)], spec }),
      aPod({ name: "not-asked", node, labels, containers: [writer(open)], spec }),
      aPod({ name: "late", node, labels, containers: [sleeper] }),
    ]);
    assert.equal(await exitCode("closed"), "137");
    assert.equal(await exitCode("not-asked"), "0", "what does not ask for it does not hold yet");
    await kubectlOutput(["wait", "--for=condition=Ready", waitTimeout, "pod/late"]);
  } finally {
    await agentsOn(null);
  }
  await rolledOut();
  await kubectlOutput(["exec", "late", "--", "mkdir", "-p", open, closed]);
  await writesBecome("late", `${open}x`, "killed");
  await writesBecome("late", `${closed}x`, "killed");
  const counted = await policyBecomes("tracingpolicy/open", "counting who came", (policy) =>
    /came while its node had no agent/.test(conditionOf(policy, "Enforcing")?.message ?? ""),
  );
  assert.equal(conditionOf(counted, "Ready")?.status, "True");
  const [latePods, late] = (
    await kubectlOutput([
      ...["get", "nodepolicyset", node, "-o"],
      "jsonpath={.status.latePods} {.status.late[*].set}",
    ])
  ).split(" ");
  assert.ok(Number(latePods) >= 1, latePods);
  assert.equal(late, "tracingpolicy.open");
});
