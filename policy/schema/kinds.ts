import { type KindName, resourceOf } from "../resource-of.ts";
import type { PolicyKind } from "../selector-set.ts";
import { execPolicy } from "./exec-policy.ts";
import { execProposal } from "./exec-proposal.ts";
import { nodeExecReport } from "./node-exec-report.ts";
import { nodePolicySet } from "./node-policy-set.ts";
import type { RegoKind } from "./rego-kind-names.ts";
import { regoPolicy, regoPolicyNamespaced } from "./rego-policy.ts";
import { selectorSet } from "./selector-set.ts";
import { tracingPolicy } from "./tracing-policy.ts";

export type Column = {
  readonly name: string;
  readonly type: "string" | "date" | "integer";
  readonly jsonPath: string;
  readonly priority?: number;
  readonly description?: string;
};

/** One Kubernetes kind: what its CRD is generated from, and how files of it are judged. */
export type Kind = ReturnType<typeof resourceOf<KindName>> & {
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly columns: readonly Column[];
  /** Whether status is a subresource: written apart from spec, with its own rights. */
  readonly hasStatus: boolean;
  /** Its top-level fields besides apiVersion, kind and metadata. */
  readonly schema: object;
};

const age: Column = { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" };
const ready = `.status.conditions[?(@.type=="Ready")]`;

const policyColumns: readonly Column[] = [
  {
    name: "Mode",
    type: "string",
    jsonPath: ".status.mode.observed",
    description: "What nodes really do; see -o wide for what was asked for.",
  },
  { name: "Requested", type: "string", jsonPath: ".status.mode.requested", priority: 1 },
  { name: "Ready", type: "string", jsonPath: `${ready}.status` },
  {
    name: "Nodes",
    type: "string",
    jsonPath: ".status.nodes.summary",
    description: "Nodes that hold this policy, of those that should.",
  },
  { name: "Reason", type: "string", jsonPath: `${ready}.reason` },
  { name: "Message", type: "string", jsonPath: `${ready}.message`, priority: 1 },
  age,
];

const policy = {
  categories: ["guardbee", "tetragon"],
  columns: policyColumns,
  hasStatus: true,
} as const;

/** What a person writes. */
export const policyKinds: readonly (Kind & { readonly kind: PolicyKind })[] = [
  {
    ...policy,
    ...resourceOf("TracingPolicy"),
    shortNames: ["tgtp"],
    schema: tracingPolicy,
  },
  {
    ...policy,
    ...resourceOf("TracingPolicyNamespaced"),
    shortNames: ["tgtpn"],
    schema: tracingPolicy,
  },
  {
    ...policy,
    ...resourceOf("ExecPolicy"),
    // Not "ep": kubectl takes that for core Endpoints.
    shortNames: ["gbep"],
    schema: execPolicy,
  },
  {
    ...policy,
    ...resourceOf("ExecPolicyNamespaced"),
    shortNames: ["gbepn"],
    schema: execPolicy,
  },
];

const rego = {
  ...policy,
  categories: ["guardbee"],
  columns: [
    { name: "Role", type: "string", jsonPath: ".spec.role" },
    ...policyColumns.slice(0, -1),
    { name: "Rules", type: "integer", jsonPath: ".status.rego.rules" },
    { name: "Revision", type: "string", jsonPath: ".status.rego.revision", priority: 1 },
    age,
  ],
  schema: regoPolicy,
} as const;

/** Rego that generates policies, or judges them. */
export const regoKinds: readonly (Kind & { readonly kind: RegoKind })[] = [
  {
    ...rego,
    ...resourceOf("RegoPolicy"),
    shortNames: ["rego"],
  },
  {
    ...rego,
    ...resourceOf("RegoPolicyNamespaced"),
    shortNames: ["regon"],
    schema: regoPolicyNamespaced,
  },
];

const own = { categories: ["guardbee"] } as const;

const proposal = {
  ...own,
  hasStatus: false,
  columns: [
    {
      name: "Replicas",
      type: "string",
      jsonPath: ".coverage.summary",
      description: "Pods that were seen from their start, of those in scope.",
    },
    { name: "Restarts", type: "integer", jsonPath: ".coverage.restarts" },
    {
      name: "Covered",
      type: "string",
      jsonPath: `.status.conditions[?(@.type=="Covered")].status`,
    },
    {
      name: "Message",
      type: "string",
      jsonPath: `.status.conditions[?(@.type=="Covered")].message`,
      priority: 1,
    },
    age,
  ],
  schema: execProposal,
} as const;

/** What operator and agents write for each other. */
const ownKinds: readonly Kind[] = [
  {
    ...own,
    ...resourceOf("SelectorSet"),
    shortNames: ["sset"],
    hasStatus: false,
    columns: [
      { name: "Kind", type: "string", jsonPath: ".spec.sets[0].policy.kind" },
      { name: "Namespace", type: "string", jsonPath: ".spec.sets[0].policy.namespace" },
      { name: "Policy", type: "string", jsonPath: ".spec.sets[0].policy.name" },
      { name: "Mode", type: "string", jsonPath: ".spec.sets[0].mode" },
      { name: "Hash", type: "string", jsonPath: ".spec.hash", priority: 1 },
      age,
    ],
    schema: selectorSet,
  },
  {
    ...own,
    ...resourceOf("NodePolicySet"),
    shortNames: ["nps"],
    hasStatus: true,
    columns: [
      { name: "Programmed", type: "integer", jsonPath: ".status.sets.programmed" },
      { name: "Failed", type: "integer", jsonPath: ".status.sets.failed" },
      { name: "Pending", type: "integer", jsonPath: ".status.sets.pending" },
      { name: "Kernel", type: "string", jsonPath: ".status.kernel.release" },
      { name: "Agent", type: "string", jsonPath: ".status.agentVersion", priority: 1 },
      age,
    ],
    schema: nodePolicySet,
  },
  {
    ...own,
    ...resourceOf("NodeExecReport"),
    shortNames: ["ner"],
    hasStatus: false,
    columns: [age],
    schema: nodeExecReport,
  },
  { ...proposal, ...resourceOf("ExecProposal"), shortNames: ["xprop"] },
  { ...proposal, ...resourceOf("ExecProposalNamespaced"), shortNames: ["xpropn"] },
];

/** Every kind that has a CRD. */
export const kinds: readonly Kind[] = [...policyKinds, ...regoKinds, ...ownKinds];
