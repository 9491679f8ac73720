import { type EventType, eventTypes, parseEventType } from "./event-type.ts";
import { compileRegex, regexProblem, type TextTest } from "./regex.ts";
import type { Report } from "./report.ts";

/** A value of a filter, and where it stands. */
export type Given = { readonly raw: unknown; readonly field: string; readonly report: Report };

/**
 * The readers below give undefined for a list that is empty, which upstream takes as absent, and for
 * one that is wrong, which they report.
 */
export function texts({ raw, field, report }: Given): readonly string[] | undefined {
  const list = listOf({ raw, field, report });
  if (list === undefined) return undefined;
  const wrong = list.findIndex((one) => typeof one !== "string");
  if (wrong === -1) return list as readonly string[];
  return report.wrong(`${field}[${wrong}]`, `is ${JSON.stringify(list[wrong])}`, "write a text");
}

/** One test for all the expressions: any of them has a match. */
export function anyRegex(given: Given): TextTest | undefined {
  const tests = eachOf(given, texts(given), compileRegex, (error) => [
    regexProblem(error),
    "write a regular expression of RE2's syntax",
  ]);
  if (tests === undefined) return undefined;
  const [first] = tests;
  return tests.length === 1 ? first : (text) => tests.some((test) => test(text));
}

/** What `make` makes of each of `list`; what it throws is reported as `problem` puts it. */
export function eachOf<T>(
  { field, report }: Given,
  list: readonly string[] | undefined,
  make: (text: string) => T,
  problem: (error: unknown) => readonly [what: string, fix: string],
): readonly T[] | undefined {
  if (list === undefined) return undefined;
  const made: T[] = [];
  for (const [i, text] of list.entries()) {
    try {
      made.push(make(text));
    } catch (error) {
      const [what, fix] = problem(error);
      report.wrong(`${field}[${i}]`, `is ${JSON.stringify(text)}: ${what}`, fix);
    }
  }
  return made.length === list.length ? made : undefined;
}

export function numbers({ raw, field, report }: Given): ReadonlySet<number> | undefined {
  const list = listOf({ raw, field, report });
  if (list === undefined) return undefined;
  const found = list.map(Number);
  const wrong = found.findIndex((one, i) => !isUint32(one) || !isNumeral(list[i]));
  if (wrong === -1) return new Set(found);
  const fix = "write a whole number from 0 to 4294967295";
  return report.wrong(`${field}[${wrong}]`, `is ${JSON.stringify(list[wrong])}`, fix);
}

export function aBoolean({ raw, field, report }: Given): boolean | undefined {
  if (typeof raw === "boolean") return raw;
  return report.wrong(field, `is ${JSON.stringify(raw)}`, "write true or false");
}

/** Types of a later version match nothing. */
export function types(given: Given): ReadonlySet<EventType> | undefined {
  const list = listOf(given);
  if (list === undefined) return undefined;
  const found = list.map(parseEventType);
  const wrong = found.indexOf(undefined);
  if (wrong === -1)
    return new Set(found.filter((type) => type !== "unknown" && type !== undefined));
  const fix = `write one of ${Object.keys(eventTypes).join(", ")}`;
  return given.report.wrong(`${given.field}[${wrong}]`, `is ${JSON.stringify(list[wrong])}`, fix);
}

function listOf({ raw, field, report }: Given): readonly unknown[] | undefined {
  if (Array.isArray(raw)) return raw.length === 0 ? undefined : raw;
  return report.wrong(field, "is no list", `write ${field}: [...]`);
}

const isUint32 = (value: number) => Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
const isNumeral = (raw: unknown) =>
  typeof raw === "number" || (typeof raw === "string" && /^\d+$/.test(raw));
