import type { Static } from "typebox";
import {
  type Arg,
  type ArgOperatorName,
  type ArgType,
  argKind,
  argKinds,
  argOperator,
  argOperatorNames,
  operatorNamesOf,
  readArg,
} from "../args/index.ts";
import type { ArgOperator, MaybeReading } from "../args/kind.ts";
import { type ArgEntry, allowedIndexes, findByIndex } from "../lower/args.ts";
import { createReport, type Report } from "../lower/report.ts";
import {
  atomicList,
  type Immutable,
  literal,
  object,
  oneOf,
  position,
  text,
} from "../schema/dsl.ts";
import type { matchArg } from "../schema/selector.ts";
import { type UpstreamArgOperator, unreadArgType } from "../schema/vocabulary.ts";
import type { Arbitraries, CheckPlace, ConditionKind, ConditionPlace } from "./kind.ts";
import { someOf } from "./values.ts";

const schema = object({
  by: literal("arg"),
  /** Position in `Hook.args`. */
  arg: position("any"),
  /** One that the argument's type has. */
  op: oneOf(argOperatorNames),
  /** Numbers in decimal; paths and buffers as text (UTF-8). */
  values: atomicList(text()),
});

export type ArgCondition = Immutable<Static<typeof schema>>;

/** What an argument of the call is. */
export const arg = {
  schema,
  section: "matchArgs",
  alsoIn: "matchData",
  lower,
  check,
  holds: ({ arg: position, op, values }, call, args) => {
    const compared = args[position]!;
    const operator = argOperator(compared.type, op);
    if (operator === undefined) throw new Error(`${op} does not apply to type ${compared.type}`);
    return meets(operator, values, readArg(compared, call));
  },
  whyUntold: ({ arg: position, op }, told) => {
    const { why, type } = told.args[position]!;
    return why ?? argOperator(type, op)?.untold;
  },
  describe: ({ arg: position, op, values }, { args, list }) =>
    `${describeArg(args[position])} ${op} ${list(values)}`,
  // More often than others: of types and operators there are many.
  any: (fc, args) =>
    [1, 2, 3].flatMap(() =>
      args.flatMap((one, i) => (operatorNamesOf(one.type).length === 0 ? [] : [anyOf(fc, one, i)])),
    ),
  anyProcess: (fc) => fc.constant({}),
} satisfies ConditionKind<ArgCondition>;

/** What a condition compares, for people. */
export function describeArg(arg: Arg | undefined): string {
  const { index, source, resolve } = arg ?? {};
  if (source !== undefined) return `${source} ${resolve}`;
  return `args[${index}]${resolve === undefined ? "" : ` ${resolve}`}`;
}

/** Whether what was read is as `operator` asks. */
export function meets(
  operator: ArgOperator,
  values: readonly string[],
  reading: MaybeReading,
): boolean {
  if (reading === "unknown") return operator.negated;
  const facet = reading?.[operator.facet];
  if (facet === "unknown") return operator.negated;
  return facet !== undefined && operator.lists(facet, values) !== operator.negated;
}

function check(report: Report, condition: ArgCondition, { at, args }: CheckPlace): void {
  const { type } = args[condition.arg]!;
  const operator = argOperator(type, condition.op);
  if (operator === undefined) {
    const fix = `allowed: ${operatorNamesOf(type).join(", ")}`;
    report.invalid(`${at}.op`, `${condition.op} does not apply to type ${type}`, fix);
  }
  operator?.parse(report, condition.values, { at: `${at}.values`, type });
}

export type MatchArg = Immutable<Static<typeof matchArg>>;

/** What is about several arguments: gained.ts and lower/cel.ts make conditions of it. */
const ofSeveral: ReadonlySet<UpstreamArgOperator> = new Set(["CelExpr", "CapabilitiesGained"]);

function lower(report: Report, match: MatchArg, place: ConditionPlace): ArgCondition | undefined {
  const { section } = place;
  if (ofSeveral.has(match.operator)) {
    if (section !== "matchData") return undefined;
    const fix = "write it in matchArgs, about entries of args";
    report.unsupported(`${place.at}.operator`, `${match.operator} is not supported of data`, fix);
    return undefined;
  }
  const entry =
    section === "matchData" ? findData(report, match, place) : findEntry(report, match, place);
  // An argument that was refused in args is reported there, once.
  if (entry?.lowered === undefined || entry.position === undefined) return undefined;
  const { at } = place;
  const { type, byFormat } = entry.lowered;
  if (byFormat) {
    const what = "compares an argument of type auto, which each node may know otherwise";
    report.invalid(at, what, "write the type of that field in args");
    return undefined;
  }
  if (entry.returnCopy) {
    const fix = "remove returnCopy, or this matchArgs: the bytes are not there yet";
    report.unsupported(at, "compares a buffer that is read when the call returns", fix);
  }
  const comparison = lowerComparison(report, match, { at, type });
  return comparison && { by: "arg", arg: entry.position, ...comparison };
}

/** How what is read as `type` is compared, and with what; undefined when that was refused. */
export function lowerComparison(
  report: Report,
  match: MatchArg,
  { at, type }: { readonly at: string; readonly type: ArgType },
): Pick<ArgCondition, "op" | "values"> | undefined {
  const operator = findOperator(report, match.operator, { at, type });
  if (operator === undefined) return undefined;
  const given = match.values ?? [];
  if (operator.takesNone) {
    const fix = `remove them: ${match.operator} is about one range of numbers`;
    if (given.length > 0) report.invalid(`${at}.values`, "are not empty", fix);
  } else if (given.length === 0) {
    report.invalid(`${at}.values`, "is empty", `${match.operator} needs at least one value`);
  }
  const values = operator.parse(report, given, { at: `${at}.values`, type });
  return { op: match.operator as ArgOperatorName, values };
}

function findEntry(
  report: Report,
  match: MatchArg,
  { at, table }: ConditionPlace,
): ArgEntry | undefined {
  const positions = match.args ?? [];
  if (positions.length > 1) {
    report.unsupported(`${at}.args`, "names several arguments", "write one of matchArgs for each");
    return undefined;
  }
  const [position] = positions;
  if (position !== undefined && match.index !== undefined) {
    const fix = "keep one: index is that of an argument, args are positions in the list of them";
    report.invalid(at, "has index and args", fix);
    return undefined;
  }
  if (position === undefined && match.index === undefined) {
    report.invalid(`${at}.index`, "is missing", allowedIndexes(table));
    return undefined;
  }
  const byPosition = position === undefined ? undefined : table.entries[position];
  const entry = position === undefined ? findByIndex(table, match.index!) : byPosition;
  if (entry === undefined && position !== undefined) {
    const fix = `args has ${table.entries.length} entries, counted from 0`;
    report.invalid(`${at}.args[0]`, `${position} is out of range`, fix);
  } else if (entry === undefined) {
    report.invalid(`${at}.index`, `${match.index} is out of range`, allowedIndexes(table));
  } else if (entry.type === unreadArgType) {
    const field = position === undefined ? `${at}.index` : `${at}.args[0]`;
    report.invalid(
      field,
      `names an argument of type ${unreadArgType}`,
      "give the argument its real type",
    );
  }
  return entry;
}

/** Of `data`: both fields are positions in that list. */
function findData(
  report: Report,
  { args = [], index }: MatchArg,
  { at, table }: ConditionPlace,
): ArgEntry | undefined {
  const positions = index === undefined ? args : [index, ...args];
  const data = table.data ?? [];
  const fix =
    data.length === 0 ? "add it to data first" : `data has ${data.length} entries, counted from 0`;
  const field = index === undefined && args.length > 0 ? `${at}.args` : `${at}.index`;
  const [position] = positions;
  if (position === undefined) report.invalid(field, "is missing", fix);
  else if (positions.length > 1) {
    report.unsupported(field, "names several entries of data", "write one of matchData for each");
  } else if (data[position] === undefined)
    report.invalid(field, `${position} is out of range`, fix);
  else return data[position];
  return undefined;
}

function findOperator(
  report: Report,
  name: UpstreamArgOperator,
  { at, type }: { readonly at: string; readonly type: ArgType },
): ArgOperator | undefined {
  const operator = argOperator(type, name);
  if (operator !== undefined) return operator;
  const now = operatorNamesOf(type);
  const { upstreamOperators } = argKind(type);
  const later = upstreamOperators.filter((one) => !now.includes(one));
  if (later.includes(name)) {
    const fix = `this version takes ${now.join(", ")} for ${type}`;
    report.unsupported(`${at}.operator`, `${name} is not supported yet`, fix);
  } else {
    const all = [...now, ...later];
    const none = `remove it: nothing is compared with a ${type}`;
    const fix = all.length === 0 ? none : `allowed: ${all.join(", ")}`;
    report.invalid(`${at}.operator`, `${name} does not apply to type ${type}`, fix);
  }
  return undefined;
}

function anyOf(fc: Arbitraries, { type }: Arg, position: number) {
  const operators = Object.entries(argKinds[type].operators) as [ArgOperatorName, ArgOperator][];
  const isTaken = (operator: ArgOperator, value: string) => {
    const report = createReport();
    operator.parse(report, [value], { at: "", type });
    return report.problems.length === 0;
  };
  const valuesOf = (operator: ArgOperator) => {
    const { takesNone, samples = argKind(type).samples } = operator;
    if (takesNone) return fc.constant([]);
    return someOf(
      fc,
      samples.filter((value) => isTaken(operator, value)),
    );
  };
  return fc.constantFrom(...operators).chain(([op, operator]) =>
    valuesOf(operator).map((values) => ({
      by: "arg" as const,
      arg: position,
      op,
      values: operator.parse(createReport(), values, { at: "", type }),
    })),
  );
}
