import type { Static } from "typebox";
import { maxErrno } from "../lower/limits.ts";
import type { Report } from "../lower/report.ts";
import type { ActionSpec } from "../schema/action.ts";
import { type Immutable, int32, literal, object } from "../schema/dsl.ts";
import type { ActionKind, ActionPlace } from "./kind.ts";

const schema = object({
  action: literal("Override"),
  error: int32({ minimum: 1, maximum: maxErrno }),
});

/** The call does not run and returns -error. */
export type Override = Immutable<Static<typeof schema>>;

/** Lets the call return an error instead of running. */
export const override = {
  schema,
  fields: ["argError"],
  stops: true,
  once: () => true,
  lower,
  effect: ({ error }) => ({ override: error }),
  describe: ({ error }) => `Override -${error}`,
  samples: ({ canOverride, ends }) =>
    canOverride && ends !== "unfollow" ? [{ action: "Override", error: 1 }] : [],
} satisfies ActionKind<Override>;

function lower(
  report: Report,
  { argError: error }: ActionSpec,
  { at, noOverride }: ActionPlace,
): Override | undefined {
  if (noOverride !== undefined) {
    report[noOverride.kind](`${at}.action`, noOverride.what, noOverride.fix);
    if (noOverride.kind === "unsupported") return undefined;
  }
  if (error === 0) {
    const fix = "write a negative errno such as -1 (EPERM)";
    report.unsupported(`${at}.argError`, "0 (the call is skipped but succeeds)", fix);
    return undefined;
  }
  if (error === undefined || error > 0 || error < -maxErrno) {
    const what = error === undefined ? "is missing" : `is ${error}`;
    report.invalid(`${at}.argError`, what, `write a negative errno, -1 (EPERM) to -${maxErrno}`);
    return undefined;
  }
  return { action: "Override", error: -error };
}
