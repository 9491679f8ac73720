import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { patienceMs, rolledOut, systemNamespace } from "../guardbee.ts";
import { execOnNode, waitForReady } from "../lab/cluster/cluster.ts";
import { startApiServer, stopApiServer } from "../lab/cluster/control-plane.ts";
import { kubectl, kubectlOutput } from "../lab/cluster/kubectl.ts";
import { waitFor } from "../lab/progress.ts";
import { aPod, apply, nodeNames, openFleet, waitTimeout } from "./fleet.ts";
import { applyReady, conditionOf, denyWrites, policyBecomes } from "./policies.ts";
import { writesBecome } from "./writes.ts";

// Pods come while nobody tells the node's kernel who they are.

await openFleet();
const node = nodeNames()[0]!;
const closed = "/tmp/closed/";
const open = "/tmp/open/";
const manifest = "/etc/kubernetes/manifests/static.yaml";

/** For pods of that label, and with `unknownPods: Deny` for all that are not known. */
function denyLabelled(name: string, prefix: string, unknownPods: "" | "Deny"): string {
  const fields = `  podSelector: {matchLabels: {away: "true"}}\n`;
  const also = unknownPods === "" ? "" : `  unknownPods: ${unknownPods}\n`;
  return denyWrites({ prefix })
    .replace("deny-tmp-forbidden-write", name)
    .replace(/^spec:\n/m, `spec:\n${fields}${also}`);
}

before(async () => {
  await applyReady("tracingpolicy/closed", denyLabelled("closed", closed, "Deny"));
  await applyReady("tracingpolicy/open", denyLabelled("open", open, ""));
});
after(async () => {
  await execOnNode(node, ["rm", "-f", manifest]);
  const pods = ["closed", "not-asked", "late", `static-${node}`];
  await kubectlOutput(["delete", "pods", "--ignore-not-found", "--wait=false", ...pods]);
});

const labels = { away: "true" };
const restartPolicy = "Never";
/** Pods whose containers share a pid namespace: its pid 1, which the seed's policy spares, is the sandbox. */
const spec = { restartPolicy, shareProcessNamespace: true };

/** A container whose first program writes, with no shell before it. */
const writer = (folder: string) => ({
  name: "writer",
  command: ["/bin/dd", "if=/dev/zero", `of=${folder}x`, "bs=1", "count=1"],
  workingDir: folder, // the runtime makes it
});

async function exitCode(pod: string): Promise<string> {
  const path = "jsonpath={.status.containerStatuses[0].state.terminated.exitCode}";
  return waitFor(
    `${pod} to end`,
    async () => {
      const { exitCode, stdout } = await kubectl(["get", "pod", pod, "-o", path]);
      return exitCode === 0 && stdout !== "" ? stdout : undefined;
    },
    { timeoutMs: patienceMs, everyMs: 1_000 },
  );
}

// The brackets keep the pattern from matching the shell that carries it.
const agentPids = "pgrep -f 'guardbee.js agen[t]'";

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
