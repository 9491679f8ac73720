import {
  applyObject,
  deleteObject,
  type KubeObject,
  listObjects,
  objectPath,
  resources,
} from "@guardbee/kube";
import { projectNode } from "@guardbee/operator/view";
import { type NodePolicySetStatus, nodeDigest, resourceOf } from "@guardbee/policy";
import type { Cluster } from "./connection.ts";

/** As many writes at once; each node has one. */
const atOnce = 20;
const holdsNothing = nodeDigest([]);

/** Scales the operator to none, which would write anew what is deleted. */
export async function stopOperator(namespace: string, cluster: Cluster): Promise<void> {
  const { connection, signal } = cluster;
  for (const { metadata } of await operators(namespace, cluster)) {
    const request = {
      method: "PATCH",
      path: objectPath(resources.deployment, metadata, "scale"),
      contentType: "application/merge-patch+json",
      body: { spec: { replicas: 0 } },
    } as const;
    await connection.request(request, signal);
  }
}

/** How many pods of the operator there still are. */
export async function runningOperators(namespace: string, cluster: Cluster): Promise<number> {
  const pods = await listObjects(cluster.connection, resources.pod, namespace, cluster.signal);
  return pods.filter(isOperator).length;
}

async function operators(namespace: string, { connection, signal }: Cluster) {
  return (await listObjects(connection, resources.deployment, namespace, signal)).filter(
    isOperator,
  );
}

function isOperator({ metadata }: KubeObject): boolean {
  return metadata.labels?.["app.kubernetes.io/name"] === "guardbee-operator";
}

/** Tells the agent of each node to hold nothing, and to leave nothing when it ends. */
export async function emptyNodes(cluster: Cluster): Promise<void> {
  const { connection, signal } = cluster;
  const resource = resourceOf("NodePolicySet");
  await each(await listObjects(connection, resource, undefined, signal), ({ metadata }) => {
    // As the operator: what it does not write any more when it is installed again is gone then.
    const options = { fieldManager: "guardbee-operator", force: true };
    const { name, uid = "" } = metadata;
    const object = { metadata: { name, uid }, spec: { sets: [], removal: true } };
    return applyObject(connection, { resource, object }, options, signal);
  });
}

export type NodesLeft = {
  /** Ready nodes whose agents have not said yet that nothing is in force. */
  readonly waitingFor: readonly string[];
  /** Nodes that are not Ready, and will not say. */
  readonly unreachable: readonly string[];
};

export async function nodesLeft({ connection, signal }: Cluster): Promise<NodesLeft> {
  const [sets, nodes] = await Promise.all(
    [resourceOf("NodePolicySet"), resources.node].map((one) =>
      listObjects(connection, one, undefined, signal),
    ),
  );
  const ready = new Set(nodes!.map(projectNode).flatMap((node) => (node.ready ? node.name : [])));
  const left = sets!.filter((one) => !isEmpty(one)).map(({ metadata }) => metadata.name);
  return {
    waitingFor: left.filter((name) => ready.has(name)),
    unreachable: left.filter((name) => !ready.has(name)),
  };
}

function isEmpty({ metadata, status }: KubeObject): boolean {
  const { observedGeneration = 0, digest } = (status ?? {}) as NodePolicySetStatus;
  return observedGeneration >= (metadata.generation ?? 0) && digest === holdsNothing;
}

/** Deletes what the operator wrote for agents and for itself; policies stay. */
export async function deleteGenerated(namespace: string, cluster: Cluster): Promise<void> {
  const { connection, signal } = cluster;
  for (const resource of [resourceOf("SelectorSet"), resourceOf("NodePolicySet")]) {
    await each(await listObjects(connection, resource, undefined, signal), ({ metadata }) =>
      deleteObject(connection, resource, { name: metadata.name }, signal),
    );
  }
  await deleteObject(connection, resources.lease, { namespace, name: "guardbee-operator" }, signal);
}

async function each(
  objects: readonly KubeObject[],
  work: (object: KubeObject) => Promise<unknown>,
): Promise<void> {
  const rest = objects.values();
  const worker = async () => {
    for (const object of rest) await work(object);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
