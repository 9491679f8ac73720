import type { RegoValue } from "../value.ts";

/**
 * A builtin of Rego that the host supplies: pure, and undefined where `opa eval` is undefined. May
 * throw BuiltinError for the same.
 */
export type Builtin = (...operands: readonly RegoValue[]) => RegoValue | undefined;

/** An operand that the builtin has no answer for. To Rego the call is undefined, as with OPA. */
export class BuiltinError extends Error {
  override readonly name = "BuiltinError";
}
