export { type OperatorOptions, runOperator } from "./main.ts";
export { findOpa } from "./opa/find-opa.ts";
export { OfflineJudge } from "./policy/offline-judge.ts";
export type { InventorySnapshot } from "./rego/generate.ts";
export type { GuardNote } from "./rego/guard-rails.ts";
export { evaluateOffline, exportInventory } from "./rego/offline.ts";
export { type RefusalReason, reasons, refusalReasons } from "./status/conditions.ts";
