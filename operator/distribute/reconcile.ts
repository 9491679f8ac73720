import { isDeepStrictEqual } from "node:util";
import {
  applyObject,
  deleteObject,
  done,
  type KubeConnection,
  type Outcome,
  resources,
} from "@guardbee/kube";
import type { Fleet } from "../fleet/fleet.ts";
import { fieldManager } from "../status/status-writer.ts";

export type NodeDeps = { readonly connection: KubeConnection; readonly fleet: Fleet };

/**
 * One node: writes into its NodePolicySet which sets it is to hold, when that is not what is there.
 * A node that no set selects has an empty one, so that its agent can tell "nothing" from "unknown".
 */
export async function reconcileNode(
  name: string,
  { connection, fleet }: NodeDeps,
  signal: AbortSignal,
): Promise<Outcome> {
  const node = fleet.node(name);
  const there = fleet.nodeSets(name);
  const resource = resources.nodePolicySet;
  if (node === undefined) {
    // The garbage collector does this too, where one runs.
    if (there !== undefined) await deleteObject(connection, resource, { name }, signal);
    return done;
  }
  const sets = fleet.setsFor(node);
  if (there?.ownerUid === node.uid && isDeepStrictEqual(there.sets, sets)) return done;
  const owner = { apiVersion: "v1", kind: "Node", name, uid: node.uid };
  const labels = { "app.kubernetes.io/managed-by": fieldManager };
  const object = { metadata: { name, labels, ownerReferences: [owner] }, spec: { sets } };
  await applyObject(connection, { resource, object }, { fieldManager, force: true }, signal);
  return done;
}
