import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { repositoryRoot } from "../../../build/root.ts";
import { aPod, apply, type NodeName, waitTimeout } from "../cluster/fleet.ts";
import { denyWritesRef, policyBecomes, statusOf } from "../cluster/policies.ts";
import { writesBecome } from "../cluster/writes.ts";
import { systemNamespace } from "../guardbee.ts";
import { ensureBuilt } from "../lab/build.ts";
import { addNode, deleteNode } from "../lab/cluster/cluster.ts";
import { kubeconfigPath } from "../lab/cluster/control-plane.ts";
import { kubectlOutput } from "../lab/cluster/kubectl.ts";
import { importInto } from "../lab/cluster/reload.ts";
import { run } from "../lab/run.ts";
import { lifeCycle, nextImages } from "./life-cycle.ts";

const chart = join(repositoryRoot, "config/helm/guardbee");
const dev = ["--set", "agent.image.tag=dev,operator.image.tag=dev"];
const next = ["--set", "agent.image.tag=next,operator.image.tag=next"];

lifeCycle("helm", {
  install: async () => {
    const namespace = join(repositoryRoot, "config/base/00-namespace.yaml");
    await kubectlOutput(["apply", "--server-side", "-f", namespace]);
    await helm("install", chart, ...dev);
  },
  upgrade: () => helm("upgrade", chart, ...next),
  between: nodesComeAndGo,
  uninstall: async () => {
    await helm("uninstall");
    await kubectlOutput(["delete", "-f", join(repositoryRoot, "crds")]);
  },
});

function nodesComeAndGo(): void {
  test("a node that is drained and deleted leaves the status", async () => {
    const drain = ["drain", "node-2", "--ignore-daemonsets", "--force", "--delete-emptydir-data"];
    await kubectlOutput(drain);
    await readyOn("3/3"); // agents are a DaemonSet's
    await deleteNode("node-2");
    await readyOn("2/2");
  });

  test("a node that joins holds what all hold", async () => {
    const node = "node-4" as NodeName;
    await addNode({ name: node, kernel: "lab" });
    await importInto(node, await nextImages());
    await readyOn("3/3");
    const command = ["/bin/sh", "-c", "mkdir -p /tmp/forbidden; exec sleep infinity"];
    await apply([aPod({ name: "joined", node, containers: [{ name: "joined", command }] })]);
    await kubectlOutput(["wait", "--for=condition=Ready", waitTimeout, "pod/joined"]);
    await writesBecome("joined", "/tmp/forbidden/x", "killed");
  });
}

async function readyOn(summary: string): Promise<void> {
  await policyBecomes(denyWritesRef, `Ready on ${summary}`, (policy) => {
    return statusOf(policy, "Ready") === "True" && policy.status?.nodes?.summary === summary;
  });
}

async function helm(verb: string, ...more: readonly string[]): Promise<void> {
  const program = (await ensureBuilt(["helm"])).helm!;
  const command = [program, verb, "guardbee", ...more, "--namespace", systemNamespace];
  const env = { KUBECONFIG: kubeconfigPath() };
  const { exitCode, stdout, stderr } = await run(command, { env });
  assert.equal(exitCode, 0, `helm ${verb}: ${stdout}${stderr}`);
}
