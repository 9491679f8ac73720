export {
  type Action,
  type ActionName,
  actionsOf,
  defaultAction,
  describeAction,
  effectOf,
  followsDescriptors,
  isEnforcing,
} from "./actions/index.ts";
export type { Request } from "./actions/kind.ts";
export type { Post } from "./actions/post.ts";
export {
  type Arg,
  type ArgOperatorName,
  type ArgType,
  argKind,
  argKinds,
  argOperator,
  argTypes,
  readArg,
} from "./args/index.ts";
export type { ArgKind, ArgOperator, Facet, FacetType, Reading } from "./args/kind.ts";
export { changeSets } from "./change-sets.ts";
export {
  type CheckedFile,
  type CheckedPolicy,
  type CheckReport,
  checkPolicies,
  type Further,
  formatCheckReport,
  isAccepted,
  type Judges,
} from "./check.ts";
export { type Condition, describeCondition, holds } from "./conditions/index.ts";
export { type Decision, decide, type NamedSet, type Outcome } from "./decide/decide.ts";
export type { HookCall, Notices, Process } from "./decide/event.ts";
export { type FollowState, forgetFile } from "./decide/follow.ts";
export { inScope, matchesLabels, type Place } from "./decide/in-scope.ts";
export type { End, ExecFacts, OpenFile, Packet, Parameter, Sock } from "./decide/parameter.ts";
export { isNamed, matchesGlob, type SeenExecutable } from "./exec-rules.ts";
export {
  hashSets,
  isRegoSet,
  namespaceOfSet,
  nodeDigest,
  type SourceRef,
  setName,
} from "./identity.ts";
export { isRecord } from "./is-record.ts";
export { isProposable, type Learn, learnOf, parseExecReport } from "./learn.ts";
export { lostDigits } from "./lost-digits.ts";
export { canonicalJson } from "./lower/canonical.ts";
export { describeHookPoint, hookKind } from "./lower/hooks/index.ts";
export { type Lowered, lower, refOf } from "./lower/index.ts";
export { canonicalSelector } from "./lower/label-selector.ts";
export { requestedMode } from "./lower/options.ts";
export {
  type Parsed,
  type ParsedFile,
  type ParsedPolicy,
  parsePolicies,
  readObjects,
} from "./parse.ts";
export { type Policy, parsePolicyObject, parseRegoPolicy } from "./parse-object.ts";
export { parseSets } from "./parse-sets.ts";
export { type Container, type Pod, parsePod, setsIn } from "./pod.ts";
export { indented, isPrintable, oneLine, printable } from "./printable.ts";
export { formatProblem, type Problem, type Result } from "./problem.ts";
export { type KindName, resourceOf } from "./resource-of.ts";
export type { Returned, ReturnedCondition } from "./returned.ts";
export {
  allAtOnce,
  parseInterval,
  parseRollout,
  parseWaves,
  type RolloutOrder,
  type RolloutPlan,
  type RolloutWish,
  rolloutAnnotations,
  rolloutPosition,
  type Wave,
  wholeShare,
} from "./rollout.ts";
export type { ExecPolicy, ExecPolicySpec } from "./schema/exec-policy.ts";
export {
  type ExecProposal,
  execProposalBounds,
  type ProposalCoverage,
  type ProposedExecutable,
} from "./schema/exec-proposal.ts";
export { type Column, type Kind, kinds, policyKinds, regoKinds } from "./schema/kinds.ts";
export type { LabelSelectorSpec } from "./schema/label-selector.ts";
export type { Metadata } from "./schema/metadata.ts";
export {
  execReportBounds,
  type NodeExecReport,
  type PolicyExecReport,
  type ReportedExecutable,
  type WorkloadExecReport,
} from "./schema/node-exec-report.ts";
export {
  type ExceptionReason,
  exceptionReasons,
  type NodePolicySetStatus,
} from "./schema/node-policy-set.ts";
export type { RegoKind } from "./schema/rego-kind-names.ts";
export {
  type RegoPolicy,
  type RegoPolicySpec,
  regoLimits,
  regoPoliciesPerNamespace,
} from "./schema/rego-policy.ts";
export type { HashedSets, SelectorSetSpec } from "./schema/selector-set.ts";
export type {
  Condition as StatusCondition,
  ConditionType,
  PolicyStatus,
  RolloutStatus,
  TrialStatus,
} from "./schema/status.ts";
export { conditionTypes, rolloutStates } from "./schema/status.ts";
export type { TracingPolicy } from "./schema/tracing-policy.ts";
export {
  type Hook,
  type HookPoint,
  type LabelSelector,
  type Mode,
  type PolicyKind,
  type PolicyRef,
  type Scope,
  type Selector,
  type SelectorSet,
  type SetSize,
  sizeOf,
} from "./selector-set.ts";
export {
  contentFor,
  type ObjectSets,
  parseSetObject,
  type UnusableObject,
} from "./set-object.ts";
export { inSteps } from "./step-below.ts";
export { type Withdrawn, withdrawn } from "./withdrawn.ts";
