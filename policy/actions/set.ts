import type { Static } from "typebox";
import type { Report } from "../lower/report.ts";
import type { ActionSpec } from "../schema/action.ts";
import { type Immutable, int32, literal, object } from "../schema/dsl.ts";
import type { ActionKind, ActionPlace } from "./kind.ts";

const schema = object({
  action: literal("Set"),
  /** Position of the argument in args. */
  arg: int32({ minimum: 0 }),
  value: int32(),
});

/** The program goes on with another number than the one that it has handed over. */
export type Set = Immutable<Static<typeof schema>>;

/** The types of four bytes, which is what is written. */
const types: readonly string[] = ["int", "uint32"];

/** Writes a number where a probe of a program has an argument in memory. */
export const set = {
  schema,
  fields: ["argIndex", "argValue"],
  stops: true,
  lower,
  effect: ({ arg }) => ({ writes: arg }),
  describe: ({ arg, value }) => `Set argument ${arg} to ${value}`,
  samples: () => [], // of what a program does with it nobody can tell
} satisfies ActionKind<Set>;

function lower(
  report: Report,
  { argIndex: position, argValue: value }: ActionSpec,
  { at, table: { entries }, writes = false }: ActionPlace,
): Set | undefined {
  if (!writes) {
    const fix = "use it in usdts, whose arguments a program reads again; or Sigkill";
    report.invalid(`${at}.action`, "Set has no meaning here", fix);
    return undefined;
  }
  const fix = "write the position in args, from 0, of one of type int32 or uint32";
  const entry = position === undefined ? undefined : entries[position];
  if (position === undefined) report.invalid(`${at}.argIndex`, "is missing", fix);
  else if (entry === undefined)
    report.invalid(`${at}.argIndex`, `${position} is out of range`, fix);
  else if (entry.lowered !== undefined && !types.includes(entry.lowered.type)) {
    report.invalid(`${at}.argIndex`, `${position} is an argument of type ${entry.type}`, fix);
  }
  if (value === undefined) report.invalid(`${at}.argValue`, "is missing", "write what it becomes");
  if (entry?.position === undefined || value === undefined) return undefined;
  return { action: "Set", arg: entry.position, value };
}
