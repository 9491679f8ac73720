// What the operator makes of objects, for who only looks: it loads no Rego and no webhook.

export { Digests, type Holdings } from "./fleet/digests.ts";
export {
  hashFor,
  isInWave,
  type NodeEntry,
  type NodeSetsEntry,
  type PolicyEntry,
  policyResources,
  projectNode,
  projectNodeSets,
  projectPolicy,
  projectSet,
  type SetEntry,
} from "./fleet/objects.ts";
export { listNames } from "./status/failure-groups.ts";
export { type NodeStanding, nodeStanding, nodeStandings } from "./status/node-standing.ts";
export { type NodeState, nodeState } from "./status/node-state.ts";
