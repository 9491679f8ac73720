import { conditionKind } from "@guardbee/policy/sets";
import { type AttachPoint, describePoint } from "../compile/plan.ts";
import { readingsOf } from "../compile/readings.ts";
import type { Refusal } from "../engine.ts";
import type { KernelError } from "./native.ts";

/** Why a set is refused, from what compiling or attaching it threw. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof RangeError) return { reason: "LimitExceeded", message: error.message };
  const { code, message, log } = error as KernelError;
  const last = log?.trim().split("\n").at(-1);
  return {
    reason: "LoadFailed",
    message: last === undefined ? message : `${message} (${last})`,
    ...(isPassing(code) ? { mayPass: true } : {}),
  };
}

/** The same of a program that serves `point`, for which the sets of these names are left out. */
export function refusalOn(point: AttachPoint, names: readonly string[], error: unknown): Refusal {
  if (!isTooLong(error as KernelError)) return refusalOf(error);
  const others = new Set(point.hooks.map(({ set }) => set.name)).difference(new Set(names)).size;
  const conditions = point.hooks.flatMap(({ selectors }) =>
    selectors.flatMap((one) => one.conditions),
  );
  const sections = new Set(conditions.map(({ by }) => conditionKind(by).section ?? by));
  const what = [`${readingsOf(point).all.length} values that are read`, ...[...sections].sort()];
  const beside = others === 0 ? "" : `, with ${others} before it`;
  return {
    reason: others === 0 ? "LimitExceeded" : "NoRoom",
    message: `${describePoint(point)}: ${what.join(", ")}${beside}: this kernel's verifier gives up on so much in one program; read and compare less, or on another function`,
  };
}

/** What the verifier says of a program that it gives up on: that it is none of its rules that was broken. */
function isTooLong({ code, log = "" }: KernelError): boolean {
  return code === "E2BIG" && /program is too large|jumps is too complex/.test(log);
}

/** The kernel was busy, or short of memory or descriptors: the cause may be gone at the next try. */
export function isPassing(code: string | undefined): boolean {
  return code !== undefined && passingErrors.has(code);
}

const passingErrors: ReadonlySet<string> = new Set([
  ...["EAGAIN", "EBUSY", "EINTR", "EMFILE", "ENFILE", "ENOMEM"],
]);
