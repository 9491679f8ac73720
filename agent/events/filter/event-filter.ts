import type { Problem, Result } from "@guardbee/policy";
import { suggestFrom } from "@guardbee/policy/sets";
import { type EventTest, type FilterOptions, filterFields } from "./fields.ts";
import type { JsonObject } from "./json-objects.ts";
import { Report } from "./report.ts";
import { snakeCase } from "./snake-case.ts";

/** Upstream's Filter objects, in snake_case or camelCase. */
export type FilterLists = {
  readonly allow: readonly JsonObject[];
  readonly deny: readonly JsonObject[];
};

/**
 * Which events pass: those that any object of `allow` matches (all of them where it is empty) and none
 * of `deny` does. An object matches when all of its fields do, a field when any of its values does.
 * Undefined when both are empty: then nothing is to be asked of an event.
 */
export function compileFilters(
  { allow, deny }: FilterLists,
  options: FilterOptions,
): Result<EventTest | undefined> {
  const [allows, denies] = [compileAll(allow, options), compileAll(deny, options)];
  const problems = [...allows.problems, ...denies.problems];
  if (problems.length > 0) return { ok: false, problems };
  const [allowed, denied] = [allows.tests, denies.tests];
  if (allowed.length === 0 && denied.length === 0) return { ok: true, value: undefined };
  const passes: EventTest = (event) =>
    (allowed.length === 0 || allowed.some((test) => test(event))) &&
    !denied.some((test) => test(event));
  return { ok: true, value: passes };
}

function compileAll(
  objects: readonly JsonObject[],
  options: FilterOptions,
): { readonly tests: readonly EventTest[]; readonly problems: readonly Problem[] } {
  const compiled = objects.map((object) => {
    const report = new Report(object);
    return { test: compileObject(object.value, report, options), problems: report.problems };
  });
  return {
    tests: compiled.map(({ test }) => test),
    problems: compiled.flatMap(({ problems }) => problems),
  };
}

/** The empty object matches every event. */
function compileObject(
  value: JsonObject["value"],
  report: Report,
  options: FilterOptions,
): EventTest {
  const tests: EventTest[] = [];
  const seen = new Set<string>();
  for (const [key, raw] of Object.entries(value)) {
    const name = snakeCase(key);
    if (seen.has(name)) report.wrong(key, "is there twice", "give all its values in one list");
    seen.add(name);
    if (!isField(name)) {
      report.wrong(key, "is no field of a filter", suggestFrom(name, fieldNames));
    } else if (raw !== null) {
      const test = filterFields[name].compile({ raw, field: key, report }, options);
      if (test !== undefined) tests.push(test);
    }
  }
  const [first] = tests;
  if (tests.length === 1 && first !== undefined) return first;
  return (event) => tests.every((test) => test(event));
}

const fieldNames = Object.keys(filterFields);

function isField(name: string): name is keyof typeof filterFields {
  return Object.hasOwn(filterFields, name);
}
