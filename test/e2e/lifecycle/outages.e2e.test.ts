import assert from "node:assert/strict";
import { after, test } from "node:test";
import { aPod, apply, nodeNames, openFleet, waitTimeout } from "../cluster/fleet.ts";
import { kernelObjects } from "../cluster/kernel-objects.ts";
import {
  applyReady,
  conditionOf,
  deletePolicy,
  denyWrites,
  denyWritesRef,
  policyBecomes,
} from "../cluster/policies.ts";
import { agentPod, patienceMs, systemNamespace } from "../guardbee.ts";
import { execOnNode, waitForReady } from "../lab/cluster/cluster.ts";
import { startApiServer, stopApiServer } from "../lab/cluster/control-plane.ts";
import { kubectlOutput } from "../lab/cluster/kubectl.ts";
import { waitFor } from "../lab/progress.ts";
import { ReadyWatch } from "./ready-watch.ts";

await openFleet();
const nodes = nodeNames();

const node = "node-1";
/** Tries to write, again and again, and logs the exit code of each try. */
const script =
  "mkdir -p /tmp/forbidden; while :; do (echo x >/tmp/forbidden/x); echo $?; sleep 0.2; done";
const command = ["/bin/sh", "-c", script];
const policy = await applyReady(denyWritesRef, denyWrites());
const readySince = conditionOf(policy, "Ready")?.lastTransitionTime;
const watch = await ReadyWatch.start(denyWritesRef);
after(async () => {
  watch.stop();
  await kubectlOutput(["delete", "pod", "writer", "--ignore-not-found"]);
});
await apply([aPod({ name: "writer", node, containers: [{ name: "writer", command }] })]);
await kubectlOutput(["wait", "--for=condition=Ready", waitTimeout, "pod/writer"]);
const uid = await kubectlOutput(["get", "pod", "writer", "-o", "jsonpath={.metadata.uid}"]);
await killedWrites(0);

test("with the agent killed the write is still killed, and the next agent adopts", async () => {
  const programs = await kernelObjects(node);
  const pod = await agentPod(node);
  const from = (await writes()).length;
  const restarts = await restartsOf(pod, "agent");
  await killInPod(node, "guardbee.js agent");
  await killedWrites(from);
  await restarted(pod, "agent", restarts);
  await waitFor(
    "the agent to have programmed the kernel",
    async () => {
      const log = await kubectlOutput(["-n", systemNamespace, "logs", pod, "-c", "agent"]);
      return /"adopted":true/.test(log) && /"to":"programmed"/.test(log) ? true : undefined;
    },
    { timeoutMs: patienceMs, everyMs: 1_000 },
  );
  const { prog, link } = await kernelObjects(node);
  assert.deepEqual({ prog, link }, { prog: programs.prog, link: programs.link });
  await killedWrites((await writes()).length);
  await stayedReady();
});

test("with the operator killed the write is still killed, and the next one serves", async () => {
  const name = "app.kubernetes.io/name=guardbee-operator";
  const where = "jsonpath={.items[0].metadata.name} {.items[0].spec.nodeName}";
  const found = await kubectlOutput([
    "-n",
    systemNamespace,
    "get",
    "pods",
    "-l",
    name,
    "-o",
    where,
  ]);
  const [pod, its] = found.split(" ");
  const from = (await writes()).length;
  const restarts = await restartsOf(pod!, "operator");
  await killInPod(its!, "guardbee.js operator");
  await killedWrites(from);
  await restarted(pod!, "operator", restarts);
  await servesAnother();
  await stayedReady();
});

test("with kube-apiserver stopped the write is still killed, and afterwards all goes on", async () => {
  const from = (await writes()).length;
  await stopApiServer();
  try {
    await killedWrites(from);
    await killedWrites((await writes()).length);
  } finally {
    await startApiServer();
  }
  await waitForReady(nodes, patienceMs);
  await servesAnother();
  await killedWrites((await writes()).length);
  await stayedReady();
});

/** Another policy becomes Ready: operator and every agent follow the cluster again. */
async function servesAnother(): Promise<void> {
  const ref = "tracingpolicy/deny-left";
  const yaml = denyWrites({ prefix: "/tmp/left/" }).replace(
    "deny-tmp-forbidden-write",
    "deny-left",
  );
  await applyReady(ref, yaml);
  await deletePolicy(ref);
}

/** Ready was True all through: in what a watch saw, and by the time of its last change. */
async function stayedReady(): Promise<void> {
  assert.deepEqual([...new Set(watch.seen)], ["True"]);
  const policy = await policyBecomes(denyWritesRef, "there", () => true);
  assert.equal(conditionOf(policy, "Ready")?.lastTransitionTime, readySince);
}

/** The exit codes of all tries until now, from the container's log on the node. */
async function writes(): Promise<readonly string[]> {
  const cat = `cat /var/log/pods/default_writer_${uid}/writer/0.log`;
  const { stdout } = await execOnNode(node, ["/bin/sh", "-c", cat]);
  const lines = stdout.split("\n").filter((line) => / stdout F \d+$/.test(line));
  return lines.map((line) => line.split(" ").at(-1)!);
}

/** Waits until five more tries than `from` were made, and sees that each was killed. */
async function killedWrites(from: number): Promise<void> {
  const codes = await waitFor(
    "five more writes",
    async () => {
      const all = await writes();
      return all.length >= from + 5 ? all.slice(from) : undefined;
    },
    { timeoutMs: patienceMs, everyMs: 500 },
  );
  assert.deepEqual([...new Set(codes)], ["137"]);
}

/** kill -9 of the one process of a node whose command line has `command`. */
async function killInPod(on: string, command: string): Promise<void> {
  // The brackets keep the pattern from matching the shell that carries it.
  const pattern = command.replace(/.$/, "[$&]");
  const kill = `kill -9 $(pgrep -f '${pattern}')`;
  const { exitCode, stderr } = await execOnNode(on, ["/bin/sh", "-c", kill]);
  assert.equal(exitCode, 0, stderr);
}

async function restartsOf(pod: string, container: string): Promise<number> {
  const field = `jsonpath={.status.containerStatuses[?(@.name=="${container}")].restartCount}`;
  return Number(await kubectlOutput(["-n", systemNamespace, "get", "pod", pod, "-o", field]));
}

async function restarted(pod: string, container: string, before: number): Promise<void> {
  const again = async () => (await restartsOf(pod, container)) > before || undefined;
  await waitFor(`${container} to restart`, again, { timeoutMs: patienceMs, everyMs: 1_000 });
  const wait = ["wait", "--for=condition=Ready", waitTimeout, `pod/${pod}`];
  await kubectlOutput(["-n", systemNamespace, ...wait]);
}
