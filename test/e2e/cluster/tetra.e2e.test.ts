import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { agentPod, patienceMs, systemNamespace } from "../guardbee.ts";
import { kubeconfigPath } from "../lab/cluster/control-plane.ts";
import { kubectl, kubectlOutput, kubectlPath } from "../lab/cluster/kubectl.ts";
import { waitFor } from "../lab/progress.ts";
import { openFleet, pilotOn } from "./fleet.ts";
import { applyReady, denyWrites, denyWritesRef, policyBecomes, statusOf } from "./policies.ts";
import { writeIn, writesBecome } from "./writes.ts";

await openFleet();
const node = "node-1";
const agent = await agentPod(node);
const inAgent = ["-n", systemNamespace, "exec", "-i", agent, "-c", "agent", "--", "tetra"];

/** What the agent's own tetra prints. */
const tetra = (words: string, input = "") =>
  kubectlOutput([...inAgent, ...words.split(" ")], input);

test("the agent's image has tetra, which asks the agent on its socket", async () => {
  assert.equal(await tetra("status"), "Health Status: running\n");
  assert.equal(await tetra("tp domains"), "[grpc k8s]\n");
});

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
  assert.equal(await tetra("tp add -", policy), 'tracing policy "/dev/stdin" added\n');
  assert.equal(await writeIn(pilotOn(node), "/tmp/left/x"), "killed");
  assert.equal(await writeIn(pilotOn("node-3"), "/tmp/left/x"), "allowed");
  const rows = (await tetra("tp list")).trimEnd().split("\n");
  const shown = rows.slice(1).map((row) => row.split(/ {3,}/));
  assert.deepEqual(shown.map(([, name, domain, state]) => [name, domain, state]).sort(), [
    ["deny-tmp-forbidden-write", "k8s", "enabled"],
    ["local", "grpc", "enabled"],
  ]);
  await tetra("tp set-mode local monitor");
  assert.equal(await writeIn(pilotOn(node), "/tmp/left/x"), "allowed");
  await tetra("tp delete local");
  assert.equal(await writeIn(pilotOn(node), "/tmp/left/x"), "allowed");
  assert.equal(await writeIn(pilotOn(node), "/tmp/forbidden/x"), "killed");
  assert.deepEqual(await ofCluster(), before);
});

test("a policy of the cluster that is put in mode monitor on a node says so in its status", async () => {
  const set = "tp set-mode deny-tmp-forbidden-write";
  await tetra(`${set} monitor --domain k8s`);
  assert.equal(await writeIn(pilotOn(node), "/tmp/forbidden/x"), "allowed");
  const seen = await policyBecomes(
    denyWritesRef,
    "not Ready",
    (policy) => statusOf(policy, "Ready") === "False",
  );
  const ready = seen.status!.conditions!.find(({ type }) => type === "Ready")!;
  assert.match(ready.message, /ChangedOnNode: was set to mode monitor on this node over gRPC/);
  await tetra(`${set} enforce --domain k8s`);
  await policyBecomes(denyWritesRef, "Ready", (policy) => statusOf(policy, "Ready") === "True");
  await writesBecome(pilotOn(node), "/tmp/forbidden/x", "killed");
});

test("getevents prints what happens in a pod, as it happens", async () => {
  const env = { ...process.env, KUBECONFIG: kubeconfigPath() };
  const words = ["getevents", "-o", "compact", "--pod", `^${pilotOn(node)}$`, "-e", "PROCESS_EXEC"];
  const child = spawn(await kubectlPath(), [...inAgent.filter((word) => word !== "-i"), ...words], {
    // With -i it would read events from its input, as upstream's.
    ...{ env, stdio: ["ignore", "pipe", "ignore"] },
  });
  after(() => child.kill("SIGKILL"));
  const lines: string[] = [];
  createInterface(child.stdout).on("line", (line) => lines.push(line));
  const line = `🚀 process default/${pilotOn(node)} /bin/echo seen`;
  await waitFor(
    "an exec in the pod",
    async () => {
      await kubectl(["exec", pilotOn(node), "--", "/bin/echo", "seen"]);
      return lines.some((one) => one.startsWith(line)) || undefined;
    },
    { timeoutMs: patienceMs, everyMs: 500, detail: () => lines.join("\n") },
  );
});
