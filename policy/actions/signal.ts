import type { Static } from "typebox";
import { maxSignal } from "../lower/limits.ts";
import type { Report } from "../lower/report.ts";
import type { ActionSpec } from "../schema/action.ts";
import { type Immutable, int32, literal, object } from "../schema/dsl.ts";
import type { ActionKind, ActionPlace } from "./kind.ts";

const schema = object({
  action: literal("Signal"),
  signal: int32({ minimum: 1, maximum: maxSignal }),
});

export type Signal = Immutable<Static<typeof schema>>;

/** Sends the process a signal before it returns to user space; the call itself still runs. */
export const signal = {
  schema,
  fields: ["argError", "argSig"],
  stops: true,
  atReturn: true,
  lower,
  effect: ({ signal }) => ({ signal }),
  describe: ({ signal }) => `Signal ${signal}`,
  samples: ({ ends }) => (ends === "unfollow" ? [] : [{ action: "Signal", signal: 12 }]),
} satisfies ActionKind<Signal>;

function lower(report: Report, spec: ActionSpec, { at }: ActionPlace): Signal | undefined {
  const number = spec.argSig;
  if (number !== undefined && number >= 1 && number <= maxSignal) {
    return { action: "Signal", signal: number };
  }
  const what = number === undefined ? "is missing" : `is ${number}`;
  report.invalid(`${at}.argSig`, what, `write a signal number, 1 to ${maxSignal}`);
  return undefined;
}
