/** Where objects of a kind are in the API, as paths and bodies need it. */
type Resource<K extends string> = {
  readonly group: "cilium.io" | "guardbee.io";
  readonly version: "v1alpha1";
  readonly kind: K;
  /** Lower-case plural, as in paths. */
  readonly plural: string;
  readonly namespaced: boolean;
};

const cilium = { group: "cilium.io", version: "v1alpha1" } as const;
const guardbee = { group: "guardbee.io", version: "v1alpha1" } as const;
const cluster = { namespaced: false } as const;
const namespaced = { namespaced: true } as const;

const resources = {
  TracingPolicy: { ...cilium, ...cluster, kind: "TracingPolicy", plural: "tracingpolicies" },
  TracingPolicyNamespaced: {
    ...cilium,
    ...namespaced,
    kind: "TracingPolicyNamespaced",
    plural: "tracingpoliciesnamespaced",
  },
  ExecPolicy: { ...cilium, ...cluster, kind: "ExecPolicy", plural: "execpolicies" },
  ExecPolicyNamespaced: {
    ...cilium,
    ...namespaced,
    kind: "ExecPolicyNamespaced",
    plural: "execpoliciesnamespaced",
  },
  RegoPolicy: { ...guardbee, ...cluster, kind: "RegoPolicy", plural: "regopolicies" },
  RegoPolicyNamespaced: {
    ...guardbee,
    ...namespaced,
    kind: "RegoPolicyNamespaced",
    plural: "regopoliciesnamespaced",
  },
  SelectorSet: { ...guardbee, ...cluster, kind: "SelectorSet", plural: "selectorsets" },
  NodePolicySet: { ...guardbee, ...cluster, kind: "NodePolicySet", plural: "nodepolicysets" },
  NodeExecReport: { ...guardbee, ...cluster, kind: "NodeExecReport", plural: "nodeexecreports" },
  ExecProposal: { ...guardbee, ...cluster, kind: "ExecProposal", plural: "execproposals" },
  ExecProposalNamespaced: {
    ...guardbee,
    ...namespaced,
    kind: "ExecProposalNamespaced",
    plural: "execproposalsnamespaced",
  },
} as const satisfies { readonly [K in string]: Resource<K> };

/** Every kind that has a CRD. */
export type KindName = keyof typeof resources;

/** Where objects of this kind are in the API. Their CRD is made of it, too. */
export function resourceOf<K extends KindName>(kind: K): (typeof resources)[K] {
  return resources[kind];
}
