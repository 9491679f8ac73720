import { setTimeout as sleep } from "node:timers/promises";
import { applyStatus, getObject, type Resource, resources } from "@guardbee/kube";
import { nodeDigest, resourceOf } from "@guardbee/policy";
import type { TestCluster } from "../../operator/testing/test-cluster.ts";

const never = new AbortController().signal;

/** A node that is Ready, without kubelet or agent. */
export async function createNode(cluster: TestCluster, name: string): Promise<void> {
  await cluster.apply(resources.node, { metadata: { name } });
  const conditions = [{ type: "Ready", status: "True", reason: "KubeletReady" }];
  const empty = [
    ...["bootID", "containerRuntimeVersion", "kubeProxyVersion", "kubeletVersion", "machineID"],
    ...["osImage", "systemUUID"],
  ].map((field) => [field, ""]);
  const machine = { architecture: "amd64", kernelVersion: "6.1.0", operatingSystem: "linux" };
  const nodeInfo = { ...Object.fromEntries(empty), ...machine };
  await writeStatus(cluster, resources.node, name, { conditions, nodeInfo });
}

/** Names of the sets that the node is to hold. */
export async function setsOf(cluster: TestCluster, node: string): Promise<readonly string[]> {
  const object = await getObject(cluster.kube, resourceOf("NodePolicySet"), { name: node }, never);
  return (object?.spec as { readonly sets?: readonly string[] } | undefined)?.sets ?? [];
}

/** Does what an agent does: reports all sets of its node as programmed, or as failed. */
export async function reportSets(
  cluster: TestCluster,
  node: string,
  { failing }: { readonly failing: boolean },
): Promise<void> {
  const held = await heldSets(cluster, node);
  const message = "kprobe_override is not there";
  const exceptions = held.map(({ name, hash }) => {
    return { set: name, hash, state: "failed", reason: "KernelLacks", message };
  });
  const kernel = { release: "6.1.0", arch: "x86_64", features: ["btf", "ia32_emulation"] };
  const status = failing
    ? { digest: nodeDigest([]), exceptions, kernel }
    : { digest: nodeDigest(held), exceptions: [], kernel };
  await writeStatus(cluster, resourceOf("NodePolicySet"), node, status);
}

/** Reports whatever the node is to hold as programmed, until `signal` aborts. */
export async function followSets(
  cluster: TestCluster,
  node: string,
  signal: AbortSignal,
): Promise<void> {
  for (let reported = ""; !signal.aborted; await sleep(200)) {
    const digest = nodeDigest(await heldSets(cluster, node));
    const object = await getObject(
      cluster.kube,
      resourceOf("NodePolicySet"),
      { name: node },
      never,
    );
    if (object === undefined || digest === reported) continue;
    await reportSets(cluster, node, { failing: false });
    reported = digest;
  }
}

async function heldSets(
  cluster: TestCluster,
  node: string,
): Promise<readonly { readonly name: string; readonly hash: string }[]> {
  const held = await Promise.all(
    (await setsOf(cluster, node)).map(async (name) => {
      const object = await getObject(cluster.kube, resourceOf("SelectorSet"), { name }, never);
      const hash = (object?.spec as { readonly hash: string } | undefined)?.hash;
      return hash === undefined ? [] : [{ name, hash }];
    }),
  );
  return held.flat();
}

async function writeStatus(
  cluster: TestCluster,
  resource: Resource,
  name: string,
  status: object,
): Promise<void> {
  const target = { resource, object: { metadata: { name }, status } };
  await applyStatus(cluster.kube, target, { fieldManager: "guardbee-agent", force: true }, never);
}
