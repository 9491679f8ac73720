import type { Static } from "typebox";
import type { Report } from "../lower/report.ts";
import { type Immutable, literal, object } from "../schema/dsl.ts";
import type { BinaryFacts } from "./binary.ts";
import {
  anyExecutable,
  anyPath,
  executableFields,
  lowerExecutable,
  type MatchBinary,
  meetsExecutable,
} from "./executable.ts";
import type { ConditionKind, ConditionPlace, Words } from "./kind.ts";

/** The same of the process's parent, as it was when that made the process. */
const schema = object({ by: literal("parentBinary"), ...executableFields });

export type ParentBinaryCondition = Immutable<Static<typeof schema>>;

export type ParentBinaryFacts = Pick<BinaryFacts, "startsContainer"> & {
  /**
   * Path of the executable that the process was made by: of its parent, or where it has executed
   * another one since, of itself before. undefined: none that could be listed.
   */
  readonly parentBinary?: string;
};

/** Which executable made the process that makes the call. */
export const parentBinary = {
  schema,
  section: "matchParentBinaries",
  lower,
  holds: (condition, { process: { parentBinary: path, startsContainer } }) =>
    startsContainer !== true && meetsExecutable(path, condition),
  whyUntold: (_, { names }) => names,
  describe: ({ op, values }, { list }: Words) => `parent's binary ${op} ${list(values)}`,
  any: (fc) => [
    anyExecutable(fc).map((compared) => ({ by: "parentBinary" as const, ...compared })),
  ],
  anyProcess: (fc) => anyPath(fc).map((path) => (path === undefined ? {} : { parentBinary: path })),
} satisfies ConditionKind<ParentBinaryCondition, ParentBinaryFacts>;

function lower(
  report: Report,
  match: MatchBinary,
  { at }: Pick<ConditionPlace, "at">,
): ParentBinaryCondition {
  if (match.followChildren === true) {
    const fix = "remove it: matchBinaries has it, for children of every generation";
    report.invalid(`${at}.followChildren`, "is true of a parent", fix);
  }
  return { by: "parentBinary", ...lowerExecutable(report, match, at) };
}
