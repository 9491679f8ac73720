import { parsePod } from "@guardbee/agent/view";
import { listObjects, resources } from "@guardbee/kube";
import { projectNode } from "@guardbee/operator/view";
import type { Cluster } from "./connection.ts";
import { isAgentPod } from "./is-agent-pod.ts";
import type { Placement } from "./pod-diff.ts";

/** Pods that are on a node, without those of agents, and all nodes. */
export async function readPlacement(
  { guardbeeNamespace }: { readonly guardbeeNamespace: string },
  { connection, signal }: Cluster,
): Promise<Placement> {
  const [pods, nodes] = await Promise.all([
    listObjects(connection, resources.pod, undefined, signal),
    listObjects(connection, resources.node, undefined, signal),
  ]);
  return {
    nodes: new Map(nodes.map((raw) => [raw.metadata.name, projectNode(raw)])),
    pods: pods.flatMap((raw) => {
      const pod = parsePod(raw);
      const node = (raw.spec as { readonly nodeName?: string } | undefined)?.nodeName;
      const placed = pod !== undefined && node !== undefined && node !== "";
      return placed && !isAgentPod(raw, guardbeeNamespace) ? [{ pod, node }] : [];
    }),
  };
}
