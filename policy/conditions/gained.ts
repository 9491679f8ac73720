import type { Static } from "typebox";
import { type Arg, argKind, readArg } from "../args/index.ts";
import type { ArgTable } from "../lower/args.ts";
import type { Report } from "../lower/report.ts";
import { type Immutable, literal, object, position } from "../schema/dsl.ts";
import type { UpstreamArgOperator } from "../schema/vocabulary.ts";
import type { MatchArg } from "./arg.ts";
import type { ConditionKind, ConditionPlace } from "./kind.ts";

/** Of matchArgs. */
export const gainedOperator = "CapabilitiesGained" satisfies UpstreamArgOperator;

const schema = object({
  by: literal("gained"),
  op: literal(gainedOperator),
  /** Positions in `Hook.args` of two sets of capabilities. */
  old: position("any"),
  new: position("any"),
});

export type GainedCondition = Immutable<Static<typeof schema>>;

/** That one argument has a capability which another one has not. */
export const gained = {
  schema,
  section: "matchArgs",
  lower,
  check: (report, condition, { at, args }) => {
    for (const side of ["old", "new"] as const) {
      const { type } = args[condition[side]]!;
      if (!isSet(type)) refuseType(report, type, `${at}.${side}`);
    }
  },
  holds: ({ old, new: gains }, call, args) => {
    const [before, after] = [old, gains].map((arg) => {
      const reading = readArg(args[arg]!, call);
      return reading === undefined || reading === "unknown" ? undefined : reading.bits;
    });
    return typeof before === "bigint" && typeof after === "bigint" && (after & ~before) !== 0n;
  },
  whyUntold: ({ old, new: gains }, { args }) => args[old]!.why ?? args[gains]!.why,
  describe: ({ old, new: gains }, { args }) =>
    `args[${args[gains]?.index}] has a capability that args[${args[old]?.index}] has not`,
  any: (fc, args) => {
    const sets = args.flatMap(({ type }, i) => (isSet(type) ? [i] : []));
    if (sets.length < 2) return [];
    const both = fc.shuffledSubarray(sets, { minLength: 2, maxLength: 2 });
    return [
      both.map(([old, gains]) => ({
        ...{ by: "gained" as const, op: gainedOperator, old: old!, new: gains! },
      })),
    ];
  },
  anyProcess: (fc) => fc.constant({}),
} satisfies ConditionKind<GainedCondition>;

function isSet(type: Arg["type"]): boolean {
  return argKind(type).upstreamOperators.includes(gainedOperator);
}

function lower(
  report: Report,
  match: MatchArg,
  { at, table }: ConditionPlace,
): GainedCondition | undefined {
  if (match.operator !== gainedOperator) return undefined;
  if ((match.values ?? []).length > 0) {
    report.invalid(`${at}.values`, "are not empty", "remove them: two arguments are compared");
  }
  const { args = [] } = match;
  if (args.length !== 2 || match.index !== undefined) {
    const fix = "write args: [OLD, NEW], their positions in the list of args, and no index";
    report.invalid(`${at}.args`, `names ${args.length} arguments`, fix);
    return undefined;
  }
  const [old, gains] = args.map((arg, i) =>
    positionOf(report, arg, { at: `${at}.args[${i}]`, table }),
  );
  if (old === undefined || gains === undefined) return undefined;
  return { by: "gained", op: gainedOperator, old, new: gains };
}

/** In `Hook.args`; undefined: it was refused, here or in args. */
function positionOf(
  report: Report,
  arg: number,
  { at, table }: { readonly at: string; readonly table: ArgTable },
): number | undefined {
  const entry = table.entries[arg];
  if (entry === undefined) {
    const fix = `args has ${table.entries.length} entries, counted from 0`;
    report.invalid(at, `${arg} is out of range`, fix);
  } else if (entry.lowered !== undefined && !isSet(entry.lowered.type)) {
    refuseType(report, entry.lowered.type, at);
  } else return entry.position;
  return undefined;
}

function refuseType(report: Report, type: string, at: string): void {
  const fix = "compare sets of capabilities, such as cap_permitted";
  report.invalid(at, `is of type ${type}`, fix);
}
