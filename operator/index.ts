export { type OperatorOptions, runOperator } from "./main.ts";
export { type RefusalReason, reasons, refusalReasons } from "./status/conditions.ts";
