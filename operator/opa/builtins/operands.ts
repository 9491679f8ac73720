import { BigNumber, RegoObject, RegoSet, type RegoValue, typeName } from "../value.ts";
import { BuiltinError } from "./builtin.ts";
import { fractionOf, wholeOf } from "./go-big-float.ts";

/** Each gives the operand as the type that a builtin wants, or throws BuiltinError. */
export function stringOf(value: RegoValue | undefined): string {
  return typeof value === "string" ? value : wrong(value, "string");
}

export function objectOf(value: RegoValue | undefined): RegoObject {
  return value instanceof RegoObject ? value : wrong(value, "object");
}

export function arrayOf(value: RegoValue | undefined): readonly RegoValue[] {
  return Array.isArray(value) ? value : wrong(value, "array");
}

/** The members of an array or a set. */
export function membersOf(value: RegoValue | undefined): readonly RegoValue[] {
  if (value instanceof RegoSet) return value.items;
  return Array.isArray(value) ? value : wrong(value, "array or set");
}

/** A number as it was written. */
export function numberTextOf(value: RegoValue | undefined): string {
  if (typeof value === "number") return String(value);
  return value instanceof BigNumber ? value.text : wrong(value, "number");
}

/** A whole number of any size, also when it is written as 1.0 or 1e2. */
export function bigIntOf(value: RegoValue | undefined): bigint {
  return wholeOf(fractionOf(numberTextOf(value))) ?? wrong(value, "integer");
}

/** A whole number of 64 bits. */
export function intOf(value: RegoValue | undefined): number {
  const whole = bigIntOf(value);
  return BigInt.asIntN(64, whole) === whole ? Number(whole) : wrong(value, "64-bit integer");
}

/** A whole number as Rego has it, whatever its size. */
export function numberOf(whole: bigint): RegoValue {
  return new BigNumber(String(whole));
}

function wrong(value: RegoValue | undefined, wanted: string): never {
  const found = value === undefined ? "nothing" : typeName(value);
  throw new BuiltinError(`operand is ${found}, not ${wanted}`);
}
