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

/** The kernel was busy, or short of memory or descriptors: the cause may be gone at the next try. */
export function isPassing(code: string | undefined): boolean {
  return code !== undefined && passingErrors.has(code);
}

const passingErrors: ReadonlySet<string> = new Set([
  ...["EAGAIN", "EBUSY", "EINTR", "EMFILE", "ENFILE", "ENOMEM"],
]);
