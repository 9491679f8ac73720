import { listObjects, type Resource, resources } from "@guardbee/kube";
import type { ClusterSets, Placement } from "@guardbee/operator/report";
import { projectNode } from "@guardbee/operator/view";
import { parsePod, resourceOf } from "@guardbee/policy";
import type { Cluster } from "./connection.ts";
import { isAgentPod } from "./is-agent-pod.ts";

export type PlacementOptions = {
  readonly guardbeeNamespace: string;
  /** Where pods are looked for; undefined: everywhere. */
  readonly namespaces: readonly string[] | undefined;
};

/** Pods that are on a node, without those of agents; all nodes, and what they are to hold and report. */
export async function readPlacement(
  { guardbeeNamespace, namespaces }: PlacementOptions,
  { connection, signal }: Cluster,
): Promise<Placement & ClusterSets> {
  const listPods = (namespace: string | undefined) =>
    listObjects(connection, resources.pod, namespace, signal);
  const listAll = (resource: Resource) => listObjects(connection, resource, undefined, signal);
  const [lists, nodes, nodePolicySets, selectorSets] = await Promise.all([
    Promise.all((namespaces ?? [undefined]).map(listPods)),
    listAll(resources.node),
    listAll(resourceOf("NodePolicySet")),
    listAll(resourceOf("SelectorSet")),
  ]);
  const pods = lists.flat();
  return {
    ...{ nodePolicySets, selectorSets },
    nodes: new Map(nodes.map((raw) => [raw.metadata.name, projectNode(raw)])),
    pods: pods.flatMap((raw) => {
      const pod = parsePod(raw);
      const node = (raw.spec as { readonly nodeName?: string } | undefined)?.nodeName;
      const placed = pod !== undefined && node !== undefined && node !== "";
      return placed && !isAgentPod(raw, guardbeeNamespace) ? [{ pod, node }] : [];
    }),
  };
}
