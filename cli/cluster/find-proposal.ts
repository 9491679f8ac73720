import { getObject, isKubeError, type KubeObject, listObjects } from "@guardbee/kube";
import type { PolicyEntry } from "@guardbee/operator/view";
import { type ExecProposal, resourceOf } from "@guardbee/policy";
import { type Cluster, Rejection } from "./connection.ts";
import { findPolicy, notInstalled } from "./find-policy.ts";

export const proposalKinds = {
  ExecPolicy: resourceOf("ExecProposal"),
  ExecPolicyNamespaced: resourceOf("ExecProposalNamespaced"),
} as const;

/** A proposal, and the policy that it is for. */
export type Found = {
  readonly kind: keyof typeof proposalKinds;
  readonly name: string;
  readonly namespace?: string;
  readonly proposal: ExecProposal;
};

/** Those of the cluster's policies, and those of all namespaces or of one. */
export async function listProposals(
  namespace: string | undefined,
  { connection, signal }: Cluster,
): Promise<readonly Found[]> {
  const lists = Object.entries(proposalKinds).map(async ([kind, resource]) => {
    const within = resource.namespaced ? namespace : undefined;
    try {
      const found = await listObjects(connection, resource, within, signal);
      return found.map((object) => foundOf(kind as Found["kind"], object));
    } catch (error) {
      if (isKubeError(error, 404)) throw notInstalled(connection.server);
      throw error;
    }
  });
  return (await Promise.all(lists)).flat();
}

/** The proposal for one policy, and that policy as it is. */
export async function findProposal(
  text: string,
  namespace: string | undefined,
  cluster: Cluster,
): Promise<{ readonly policy: PolicyEntry; readonly found: Found }> {
  const policy = await findPolicy(text, namespace, cluster);
  const { kind } = policy.resource;
  const { name, namespace: within } = policy.object.metadata;
  const title = titleOf({ kind, name, ...(within === undefined ? {} : { namespace: within }) });
  if (!isExecKind(kind)) {
    const fix = "only an ExecPolicy learns";
    throw new Rejection(`${title}: is no list of what may run; ${fix}`);
  }
  const ref = { name, ...(within === undefined ? {} : { namespace: within }) };
  const { connection, signal } = cluster;
  const object = await getObject(connection, proposalKinds[kind], ref, signal);
  if (object !== undefined) return { policy, found: foundOf(kind, object) };
  const learns = (policy.object.spec as { readonly learn?: object } | undefined)?.learn;
  const fix =
    learns === undefined
      ? "add spec.learn: {} to it, which has nodes collect what no rule names"
      : "the operator writes it within seconds; see its log if it does not";
  throw new Rejection(`${title}: there is no proposal for it; ${fix}`);
}

/** `ExecPolicyNamespaced/shop/web`. */
export function titleOf({
  kind,
  namespace,
  name,
}: {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}): string {
  return [kind, ...(namespace === undefined ? [] : [namespace]), name].join("/");
}

function isExecKind(kind: string): kind is keyof typeof proposalKinds {
  return kind in proposalKinds;
}

function foundOf(kind: Found["kind"], object: KubeObject): Found {
  const { name, namespace } = object.metadata;
  const { executables = [], omitted, coverage, status } = object as KubeObject & ExecProposal;
  const proposal: ExecProposal = {
    executables,
    ...(omitted === undefined ? {} : { omitted }),
    coverage,
    ...(status === undefined ? {} : { status }),
  };
  return { kind, name, ...(namespace === undefined ? {} : { namespace }), proposal };
}
