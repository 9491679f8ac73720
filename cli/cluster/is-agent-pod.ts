import type { KubeObject } from "@guardbee/kube";

/**
 * Whether a pod is that of an agent, for which no policy holds. An agent knows its own uid; from
 * outside it shows by its namespace and the service account that it needs to report anything.
 */
export function isAgentPod({ metadata, spec }: KubeObject, ownNamespace: string): boolean {
  const { serviceAccountName } = (spec ?? {}) as { readonly serviceAccountName?: string };
  return metadata.namespace === ownNamespace && serviceAccountName === "guardbee-agent";
}
