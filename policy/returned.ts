import type { Static } from "typebox";
import {
  type Arg,
  type ArgType,
  argKind,
  argOperator,
  argOperatorNames,
  argTypes,
  argTypesWhere,
  operatorNamesOf,
  readArg,
} from "./args/index.ts";
import type { ArgKind, MaybeReading } from "./args/kind.ts";
import { meets } from "./conditions/arg.ts";
import type { Given } from "./decide/parameter.ts";
import type { Report } from "./lower/report.ts";
import { atomicList, type Immutable, object, oneOf, optional, text } from "./schema/dsl.ts";

/** What may be done with a socket that is returned. */
export const returnedActions = ["TrackSock", "UntrackSock"] as const;

/** How what the call returns is read: the type is one of `returnedTypes`. */
export const returned = object({
  type: oneOf(argTypes),
  label: optional(text()),
  /** It is a socket, whose events are about this process from then on, or no longer. */
  action: optional(oneOf(returnedActions)),
});
export type Returned = Immutable<Static<typeof returned>>;

/** What a call must have returned to be reported. */
export const returnedCondition = object({
  op: oneOf(argOperatorNames),
  values: atomicList(text()),
});
export type ReturnedCondition = Immutable<Static<typeof returnedCondition>>;

/** Types that are read of what a call returns: those that a register holds, and sockets. */
export function returnedTypes(): readonly ArgType[] {
  return argTypesWhere(isReturned);
}

function isReturned(kind: ArgKind): boolean {
  return isNumber(kind) || kind.standsFor === "socket";
}

function isNumber({ facets }: ArgKind): boolean {
  return Object.keys(facets).length === 1 && facets.value === "number";
}

/** The argument that reads a returned value, where it is the only parameter. */
function asArg({ type }: Returned): Arg {
  return { type, index: 0 };
}

/** What a call that returns `value`, 64 bits of a register, is read to return. */
export function readReturned(
  of: Returned,
  value: bigint,
  { is32Bit }: Pick<Given, "is32Bit">,
): MaybeReading {
  return readArg(asArg(of), {
    ...(is32Bit && { is32Bit }),
    parameters: [{ kind: "number", value: BigInt.asUintN(is32Bit ? 32 : 64, value) }],
    descriptors: new Map(),
  });
}

/** Whether a call whose returned value reads as `reading` is reported. */
export function returnedHolds(
  conditions: readonly ReturnedCondition[],
  { type }: Returned,
  reading: MaybeReading,
): boolean {
  return conditions.every(({ op, values }) => {
    const operator = argOperator(type, op);
    if (operator === undefined) throw new Error(`${op} does not apply to type ${type}`);
    return meets(operator, values, reading);
  });
}

/** Says what schemas do not: how a condition fits what the call returns. */
export function checkReturned(
  report: Report,
  { op, values }: ReturnedCondition,
  { at, returned: of }: { readonly at: string; readonly returned: Returned | undefined },
): void {
  if (of === undefined) {
    report.invalid(at, "compares what the hook does not read", "say its type in hook.returned");
    return;
  }
  const operator = argOperator(of.type, op);
  if (operator === undefined || !isComparedType(of.type)) {
    const names = isComparedType(of.type) ? operatorNamesOf(of.type) : ["none"];
    const fix = `allowed: ${names.join(", ")}`;
    report.invalid(`${at}.op`, `${op} does not apply to type ${of.type}`, fix);
  }
  operator?.parse(report, values, { at: `${at}.values`, type: of.type });
}

/** Whether a call may return what is read so. */
export function isReturnedType(type: ArgType): boolean {
  return isReturned(argKind(type));
}

/** Whether matchReturnArgs may compare what is read so. */
export function isComparedType(type: ArgType): boolean {
  return isNumber(argKind(type));
}
