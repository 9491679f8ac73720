import { apiVersion, collectionPath, type KubeConnection } from "@guardbee/kube";
import type { TestCluster } from "../../operator/testing/test-cluster.ts";
import {
  aNamespace,
  aNode,
  anAgentPod,
  aPolicy,
  aWorkload,
  type FleetSize,
  kernelOf,
  nodeName,
  type Seeded,
} from "./objects.ts";

const never = new AbortController().signal;

/** Writes at a time: what keeps etcd and the API server busy, and no more. */
const together = 32;

/** Creates everything but policies. */
export async function seedCluster(kube: KubeConnection, size: FleetSize): Promise<void> {
  const { nodes, namespaces, workloads } = size;
  await inParallel(namespaces, (i) => create(kube, aNamespace(i)));
  await inParallel(workloads, (i) => create(kube, aWorkload(i, namespaces)));
  await inParallel(nodes, (i) => create(kube, aNode(i, nodes)));
}

export async function seedPolicies(kube: KubeConnection, size: FleetSize): Promise<void> {
  await inParallel(size.policies, (i) => create(kube, aPolicy(i, size.namespaces)));
}

/** An agent's pod on each node, and the token that the kubelet would give it. */
export async function seedAgents(cluster: TestCluster, nodes: number) {
  return inParallel(nodes, async (i) => {
    const { name, uid } = (await create(cluster.kube, anAgentPod(i))).metadata;
    const pod = { apiVersion: "v1", kind: "Pod", name, uid };
    const token = await cluster.tokenOf("guardbee-agent", pod);
    return { node: nodeName(i), kernel: kernelOf(i), token };
  });
}

export function create(kube: KubeConnection, { resource, object }: Seeded) {
  const path = collectionPath(resource, object.metadata.namespace);
  const body = { apiVersion: apiVersion(resource), kind: resource.kind, ...object };
  return kube.request<{ metadata: { name: string; uid: string } }>(
    { method: "POST", path, body, timeoutMs: 120_000 },
    never,
  );
}

async function inParallel<T>(count: number, work: (i: number) => Promise<T>): Promise<T[]> {
  const results: T[] = new Array(count);
  let next = 0;
  const one = async () => {
    for (let i = next++; i < count; i = next++) results[i] = await work(i);
  };
  await Promise.all(Array.from({ length: together }, one));
  return results;
}
