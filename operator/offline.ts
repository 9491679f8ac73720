// What reads, judges and evaluates without a cluster: it loads neither the operator nor its metrics.

export {
  type Bundle,
  bundleDigest,
  defaultLimits,
  openBundle,
  type VerificationKey,
} from "./bundle/index.ts";
export type { GuardNote } from "./judge/guard-rails.ts";
export { type RefusalReason, refusalReasons } from "./judge/judgement.ts";
export { OfflineJudge } from "./judge/offline-judge.ts";
export { compileRego } from "./opa/compile.ts";
export { findOpa } from "./opa/find-opa.ts";
export { EvaluationError } from "./opa/host.ts";
export { capabilitiesFile, libraryFor } from "./opa/library.ts";
export { refusalsIn } from "./opa/refused-builtins.ts";
export { type Comparison, compareOffline, type Parting } from "./rego/compare.ts";
export { compareTests, type OpaTest } from "./rego/compare-tests.ts";
export { compareSets, type Difference, formatDifference } from "./rego/difference.ts";
export type { InventorySnapshot } from "./rego/generate.ts";
export { readInForce, setsIn } from "./rego/in-force.ts";
export { countShares } from "./rego/namespace-share.ts";
export { evaluateOffline, exportInventory, type OfflineResult } from "./rego/offline.ts";
export { checkModules } from "./rego/review.ts";
export { reasons } from "./status/conditions.ts";
