import type { Static } from "typebox";
import type { Immutable } from "../schema/dsl.ts";
import type { matchArg } from "../schema/selector.ts";
import type { ArgType, Condition } from "../selector-set.ts";
import { quote } from "../suggest.ts";
import { type ArgEntry, type ArgTable, allowedIndexes, findByIndex } from "./args.ts";
import { canonicalDecimals, canonicalTexts } from "./canonical.ts";
import { maxPathBytes } from "./limits.ts";
import { checkPath } from "./path.ts";
import type { Report } from "./report.ts";

type MatchArg = Immutable<Static<typeof matchArg>>;
type Operator = Extract<Condition, { by: "arg" }>["op"];

const textOperators: readonly string[] = ["Equal", "NotEqual", "Prefix", "NotPrefix"];
const numberOperators: readonly string[] = ["Equal", "NotEqual"];
/** What upstream takes for numbers, and this version does not yet. */
const moreNumberOperators: readonly string[] = [
  ...["GT", "GreaterThan", "LT", "LessThan", "Mask", "InRange", "NotInRange"],
  ...["InMap", "NotInMap", "CelExpr"],
];
const moreTextOperators: readonly string[] = [
  ...["Postfix", "NotPostfix", "SubString", "SubStringIgnCase", "FileType", "NotFileType"],
  "CelExpr",
];

/** One of matchArgs; undefined when it was refused. */
export function lowerArgCondition(
  report: Report,
  match: MatchArg,
  place: { readonly at: string; readonly table: ArgTable },
): Condition | undefined {
  const entry = findEntry(report, match, place);
  // An argument that was refused in args is reported there, once.
  if (entry?.lowered === undefined || entry.position === undefined) return undefined;
  const { at } = place;
  const { type } = entry.lowered;
  if (!checkOperator(report, match.operator, { at, type })) return undefined;
  const given = match.values ?? [];
  if (given.length === 0) {
    report.invalid(`${at}.values`, "is empty", `${match.operator} needs at least one value`);
  }
  if (entry.returnCopy) {
    const fix = "remove returnCopy, or this matchArgs: the bytes are not there yet";
    report.unsupported(at, "compares a buffer that is read when the call returns", fix);
  }
  const place2 = { at: `${at}.values`, type, whole: !match.operator.endsWith("Prefix") };
  const values = isText(type)
    ? lowerTexts(report, given, place2)
    : lowerNumbers(report, given, place2);
  return { by: "arg", arg: entry.position, op: match.operator as Operator, values };
}

function findEntry(
  report: Report,
  match: MatchArg,
  { at, table }: { readonly at: string; readonly table: ArgTable },
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
  } else if (entry.type === "nop") {
    const field = position === undefined ? `${at}.index` : `${at}.args[0]`;
    report.invalid(field, "names an argument of type nop", "give the argument its real type");
  }
  return entry;
}

function checkOperator(
  report: Report,
  operator: string,
  { at, type }: { readonly at: string; readonly type: ArgType },
): boolean {
  const [now, later] = isText(type)
    ? [textOperators, moreTextOperators]
    : [numberOperators, moreNumberOperators];
  if (now.includes(operator)) return true;
  if (later.includes(operator)) {
    const fix = `this version takes ${now.join(", ")} for ${type}`;
    report.unsupported(`${at}.operator`, `${operator} is not supported yet`, fix);
  } else {
    const fix = `allowed: ${[...now, ...later].join(", ")}`;
    report.invalid(`${at}.operator`, `${operator} does not apply to type ${type}`, fix);
  }
  return false;
}

function isText(type: ArgType): boolean {
  return type === "file" || type === "fd" || type === "char_buf";
}

type ValuesPlace = { readonly at: string; readonly type: ArgType; readonly whole: boolean };

function lowerTexts(report: Report, values: readonly string[], place: ValuesPlace) {
  values.forEach((value, i) => {
    const at = `${place.at}[${i}]`;
    if (place.type !== "char_buf") checkPath(report, value, { at, whole: place.whole });
    else checkBufferValue(report, value, at);
  });
  return canonicalTexts(values);
}

function checkBufferValue(report: Report, value: string, at: string): void {
  const bytes = Buffer.byteLength(value);
  if (bytes === 0) report.invalid(at, "is empty", "write at least one character");
  if (bytes <= maxPathBytes) return;
  report.invalid(
    at,
    `has ${bytes} bytes`,
    `at most ${maxPathBytes}: the kernel's maps hold no more`,
  );
}

/** Inclusive bounds of what each numeric type can hold. */
const ranges: Readonly<Record<string, readonly [bigint, bigint]>> = {
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  size_t: [0n, 2n ** 64n - 1n],
};

function lowerNumbers(report: Report, values: readonly string[], { at, type }: ValuesPlace) {
  const [minimum, maximum] = ranges[type]!;
  const numbers: bigint[] = [];
  values.forEach((value, i) => {
    const number = parseNumber(value);
    if (number === undefined) {
      const fix = "write a number: decimal, 0x..., 0o... or 0b...";
      report.invalid(`${at}[${i}]`, `is ${quote(value)}`, fix);
    } else if (number < minimum || number > maximum) {
      report.invalid(`${at}[${i}]`, `is ${value}`, `${type} holds ${minimum} to ${maximum}`);
    } else numbers.push(number);
  });
  return canonicalDecimals(numbers);
}

/** Go's base-0 syntax, which upstream takes: a leading 0 alone means octal. */
function parseNumber(text: string): bigint | undefined {
  const match = /^([+-]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/.exec(text);
  if (match === null) return undefined;
  const digits = match[2]!.replace(/^0(?=[0-7])/, "0o");
  return match[1] === "-" ? -BigInt(digits) : BigInt(digits);
}
