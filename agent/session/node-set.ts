import type { KubeObject } from "@guardbee/kube";

/** What the agent keeps of its NodePolicySet. */
export type NodeSet = {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  /** Names of the sets that are to hold here, sorted, each once. */
  readonly sets: readonly string[];
  /** Guardbee is to leave this node. */
  readonly removal: boolean;
  /** As reported last, by this agent or an earlier one. */
  readonly status: unknown;
};

/** The projection of a NodePolicySet; what does not fit its schema counts as absent. */
export function parseNodeSet({ metadata, spec, status }: KubeObject): NodeSet {
  const { uid = "", resourceVersion = "", generation = 0 } = metadata;
  const { sets, removal } = (spec ?? {}) as { sets?: unknown; removal?: unknown };
  const names = Array.isArray(sets) ? sets.filter((name) => typeof name === "string") : [];
  return {
    ...{ uid, resourceVersion, generation, status },
    sets: [...new Set(names)].sort(),
    removal: removal === true,
  };
}
