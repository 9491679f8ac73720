// Reports of what is in force, for whoever shows them: pure, of objects as the API server has them.
export { describeLabels, describeScope } from "./describe-set.ts";
export { type ClusterSets, heldNowhere, heldOnNodes } from "./held-on-nodes.ts";
export { type NodeReport, reportNodes } from "./node-report.ts";
export {
  diffHosts,
  diffPods,
  type Effect,
  effects,
  type Placement,
  type PodChange,
} from "./pod-diff.ts";
export {
  anyHolds,
  type PodFacts,
  type PodPolicy,
  type PodReport,
  reportPod,
  titleOf,
} from "./pod-report.ts";
export type { PolicyDiff } from "./policy-diff.ts";
export { type NodeGroup, type PolicyReport, reportPolicy } from "./policy-report.ts";
export { policyTitle } from "./policy-title.ts";
export { type Change, diffSets, type SelectorChange, type SetDiff } from "./set-diff.ts";
