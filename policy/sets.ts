// `@guardbee/policy/sets`: what an agent needs of this package. The whole of it brings schemas and a
// YAML parser, 20 MB on each node of a fleet that never sees a policy's YAML.
export {
  actionKind,
  actionKinds,
  actionsOf,
  allActions,
  defaultAction,
  effectOf,
  followsDescriptors,
  isEnforcing,
  postOf,
  requestsOf,
  tracksSockets,
  writtenArgs,
} from "./actions/index.ts";
export { rateLimitScopes } from "./actions/post.ts";
export { globParts } from "./args/glob.ts";
export { argKind, argKinds, argOperator, argTypes } from "./args/index.ts";
export { maxBtfPathBytes, type PathStep, parseBtfPath } from "./btf-path.ts";
export { capabilityName, capabilityNumber } from "./capabilities.ts";
export { type BinaryForm, binaryOperator } from "./conditions/executable.ts";
export { asksForChanges, conditionKind } from "./conditions/index.ts";
export { stopsFollowed } from "./decide/follow.ts";
export { inScope, type Place } from "./decide/in-scope.ts";
export { pathKey } from "./decide/parameter.ts";
export { asksDigest } from "./digest.ts";
export { describeFilePlace, type FilePlace } from "./file-place.ts";
export { hashSets, isRegoSet, namespaceOfSet, nodeDigest, setName } from "./identity.ts";
export { formatIp, type Network, parseNetwork } from "./ip.ts";
export { isRecord } from "./is-record.ts";
export { isProposable, parseExecReport } from "./learn.ts";
export { createReport } from "./lower/report.ts";
export { whyUnsafe } from "./lower/unsafe-functions.ts";
export {
  addressFamilies,
  namesOf,
  protocols,
  socketStates,
  socketTypes,
} from "./net-names.ts";
export { checkHook, parseSets } from "./parse-sets.ts";
export {
  bareContainerId,
  type Container,
  imageRepos,
  type Pod,
  parsePod,
  podPlace,
  setsIn,
} from "./pod.ts";
export { formatProblem } from "./problem.ts";
export { type Register, registerNamed } from "./registers.ts";
export { resourceOf } from "./resource-of.ts";
export { rolloutPosition } from "./rollout.ts";
export { execReportBounds } from "./schema/node-exec-report.ts";
export {
  contentFor,
  type ObjectSets,
  objectOf,
  parseSetObject,
  type UnusableObject,
} from "./set-object.ts";
export { inSteps, stepBelow } from "./step-below.ts";
export { suggestFrom } from "./suggest.ts";
export { furtherEntries } from "./syscall-entries.ts";
export { namesIn, workloadsName, workloadsOf } from "./workloads.ts";
