import type { Static } from "typebox";
import type { Report } from "../lower/report.ts";
import { type Immutable, literal, object } from "../schema/dsl.ts";
import {
  anyExecutable,
  anyPath,
  executableFields,
  lowerExecutable,
  type MatchBinary,
  meetsExecutable,
} from "./executable.ts";
import type { ConditionKind, ConditionPlace, Words } from "./kind.ts";

/** The executable's path (not argv[0]), in the mount namespace of the process. */
const schema = object({ by: literal("binary"), ...executableFields });

export type BinaryCondition = Immutable<Static<typeof schema>>;

export type BinaryFacts = {
  /** The executable's path; undefined: it has none that could be listed (it is in memory only). */
  readonly binary?: string;
  /** It runs a program of the host, in a pod: the container runtime's, until it runs the container's. */
  readonly startsContainer?: true;
};

/** Which executable the process that makes the call runs. */
export const binary = {
  schema,
  section: "matchBinaries",
  lower,
  // What the runtime runs is none of the container's programs.
  holds: (condition, { process: { binary: path, startsContainer } }) =>
    startsContainer !== true && meetsExecutable(path, condition),
  whyUntold: (_, { names }) => names,
  describe: ({ op, values }, { list }: Words) => `binary ${op} ${list(values)}`,
  any: (fc) => [anyExecutable(fc).map((compared) => ({ by: "binary" as const, ...compared }))],
  anyProcess: (fc) =>
    fc
      .tuple(anyPath(fc), fc.constantFrom(true as const, ...Array<undefined>(5).fill(undefined)))
      .map(([path, startsContainer]) => ({
        ...(path !== undefined && { binary: path }),
        ...(startsContainer && { startsContainer }),
      })),
} satisfies ConditionKind<BinaryCondition, BinaryFacts>;

function lower(
  report: Report,
  match: MatchBinary,
  { at }: Pick<ConditionPlace, "at">,
): BinaryCondition {
  if (match.followChildren === true) {
    const fix = "remove it, or list the children's binaries too";
    report.unsupported(`${at}.followChildren`, "true is not supported yet", fix);
  }
  return { by: "binary", ...lowerExecutable(report, match, at) };
}
