import type { Static } from "typebox";
import { maxErrno, maxSignal } from "../lower/limits.ts";
import type { Report } from "../lower/report.ts";
import type { ActionSpec } from "../schema/action.ts";
import { type Immutable, int32, literal, object } from "../schema/dsl.ts";
import type { ActionKind, ActionPlace } from "./kind.ts";

const schema = object({
  action: literal("NotifyEnforcer"),
  /** 0: none. */
  signal: int32({ minimum: 0, maximum: maxSignal }),
  /** 0: the call runs. */
  error: int32({ minimum: 0, maximum: maxErrno }),
});

export type NotifyEnforcer = Immutable<Static<typeof schema>>;

/** Has the enforcers of the policy stop the thread's next call of theirs. */
export const notifyEnforcer = {
  schema,
  fields: ["argError", "argSig"],
  stops: true,
  lower,
  effect: ({ signal, error }) => ({ notice: { signal, error } }),
  describe: ({ signal, error }) =>
    ["NotifyEnforcer", signal && `signal ${signal}`, error && `-${error}`]
      .filter(Boolean)
      .join(" "),
  samples: ({ canOverride, ends }) =>
    ends === "unfollow"
      ? []
      : [
          { action: "NotifyEnforcer", signal: 12, error: 0 },
          ...(canOverride ? [{ action: "NotifyEnforcer", signal: 0, error: 1 } as const] : []),
        ],
} satisfies ActionKind<NotifyEnforcer>;

function lower(report: Report, spec: ActionSpec, { at }: ActionPlace): NotifyEnforcer | undefined {
  const { argError = 0, argSig: signal = 0 } = spec;
  if (argError > 0 || argError < -maxErrno) {
    const fix = `write a negative errno, -1 (EPERM) to -${maxErrno}`;
    report.invalid(`${at}.argError`, `is ${argError}`, fix);
    return undefined;
  }
  if (signal < 0 || signal > maxSignal) {
    report.invalid(`${at}.argSig`, `is ${signal}`, `write a signal number, 1 to ${maxSignal}`);
    return undefined;
  }
  if (argError !== 0 || signal !== 0) {
    return { action: "NotifyEnforcer", signal, error: 0 - argError };
  }
  report.invalid(at, "leaves nothing to be done", "add argError: -1 (EPERM), argSig: 9 or both");
  return undefined;
}
