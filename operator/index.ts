export { type OperatorOptions, runOperator } from "./main.ts";
