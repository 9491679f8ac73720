import type { Refusal } from "../compile/plan.ts";
import type { KernelError } from "./native.ts";

/** Why a set is refused, from what compiling or attaching it threw. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof RangeError) return { reason: "LimitExceeded", message: error.message };
  const { code, message, log } = error as KernelError;
  const last = log?.trim().split("\n").at(-1);
  return {
    reason: "LoadFailed",
    message: last === undefined ? message : `${message} (${last})`,
    ...(passingErrors.has(code) ? { mayPass: true } : {}),
  };
}

const passingErrors: ReadonlySet<string> = new Set(["EAGAIN", "EBUSY", "EINTR", "ENOMEM"]);
