import type { Result } from "@guardbee/policy";
import { isRecord, suggestFrom } from "@guardbee/policy/sets";
import type { EventType } from "./event-type.ts";
import type { JsonObject } from "./json-objects.ts";
import { Report } from "./report.ts";
import { snakeCase } from "./snake-case.ts";
import { types } from "./values.ts";

/** An event as upstream's JSON has it: `process`, `parent` and the rest, by their names there. */
export type EventFields = Readonly<Record<string, unknown>>;

/**
 * What is left of an event's fields: the same object where nothing is taken away. Upstream's
 * FieldFilter: INCLUDE keeps what it lists, EXCLUDE takes that away, one after the other.
 */
export type FieldSelection = (type: EventType, fields: EventFields) => EventFields;

/** Undefined when there is no filter: then nothing is to be done to an event. */
export function compileFieldFilters(
  objects: readonly JsonObject[],
): Result<FieldSelection | undefined> {
  const reports = objects.map((object) => new Report(object));
  const filters = objects.map(({ value }, i) => compileOne(value, reports[i]!));
  const problems = reports.flatMap((report) => report.problems);
  if (problems.length > 0) return { ok: false, problems };
  if (filters.length === 0) return { ok: true, value: undefined };
  const select: FieldSelection = (type, fields) =>
    filters.reduce((left, filter) => (filter.isFor(type) ? filter.select(left) : left), fields);
  return { ok: true, value: select };
}

type FieldFilter = {
  isFor(type: EventType): boolean;
  select(fields: EventFields): EventFields;
};

function compileOne(value: JsonObject["value"], report: Report): FieldFilter {
  const given = new Map<string, unknown>();
  for (const [key, raw] of Object.entries(value)) {
    const name = snakeCase(key);
    if (!fieldNames.includes(name))
      report.wrong(key, "is no field of a field filter", suggestFrom(name, fieldNames));
    else if (raw !== null) given.set(name, raw);
  }
  const events = given.has("event_set")
    ? types({ raw: given.get("event_set"), field: "event_set", report })
    : undefined;
  const invert = given.get("invert_event_set") ?? false;
  if (typeof invert !== "boolean")
    report.wrong("invert_event_set", `is ${JSON.stringify(invert)}`, "write true or false");
  const paths = pathsOf(given.get("fields") ?? "", report);
  const exclude = isExclude(given.get("action") ?? "INCLUDE", report);
  if (Object.keys(paths).length === 0) return { isFor: () => false, select: (fields) => fields };
  return {
    isFor: (type) => events === undefined || events.has(type) !== invert,
    select: (fields) => (exclude ? without(fields, paths) : only(fields, paths)),
  };
}

const fieldNames = ["event_set", "fields", "action", "invert_event_set"];

/** Numbers are those of upstream's FieldFilterAction. */
function isExclude(action: unknown, report: Report): boolean {
  if (action === "EXCLUDE" || action === 1) return true;
  if (action !== "INCLUDE" && action !== 0)
    report.wrong("action", `is ${JSON.stringify(action)}`, "write INCLUDE or EXCLUDE");
  return false;
}

/** Which fields: the names on the way to each. A whole field, or what is in it. */
type Paths = { readonly [name: string]: Paths | "all" };

/** A FieldMask: `process.pod.name,parent`, or as its message, `{"paths":["process.pod.name"]}`. */
function pathsOf(raw: unknown, report: Report): Paths {
  const list = isRecord(raw) ? raw.paths : typeof raw === "string" ? raw.split(",") : undefined;
  if (!Array.isArray(list) || list.some((path) => typeof path !== "string")) {
    report.wrong(
      "fields",
      "is no list of fields",
      'write them with commas: "process.binary,parent"',
    );
    return {};
  }
  const paths: Record<string, Paths | "all"> = Object.create(null);
  for (const path of list as readonly string[]) {
    const names = path.trim().split(".").map(snakeCase);
    if (path.trim() !== "") addPath(paths, names);
  }
  return paths;
}

function addPath(paths: Record<string, Paths | "all">, names: readonly string[]): void {
  const [name = "", ...rest] = names;
  if (paths[name] === "all") return;
  if (rest.length === 0) {
    paths[name] = "all";
    return;
  }
  paths[name] ??= Object.create(null);
  addPath(paths[name] as Record<string, Paths | "all">, rest);
}

function only(fields: EventFields, paths: Paths): EventFields {
  const left: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    const path = paths[snakeCase(name)];
    if (path === "all") left[name] = value;
    else if (path !== undefined)
      keep(
        left,
        name,
        inEach(value, (one) => only(one, path)),
      );
  }
  return left;
}

function without(fields: EventFields, paths: Paths): EventFields {
  const left: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    const path = paths[snakeCase(name)];
    if (path === "all") continue;
    left[name] = path === undefined ? value : inEach(value, (one) => without(one, path));
  }
  return left;
}

/** A message, or each of a list of them; what is none has no fields, and is not reached. */
function inEach(value: unknown, select: (fields: EventFields) => EventFields): unknown {
  if (Array.isArray(value)) return value.map((one) => (isRecord(one) ? select(one) : one));
  return isRecord(value) ? select(value) : value;
}

/** A value that is no message has no field of that path. */
function keep(left: Record<string, unknown>, name: string, value: unknown): void {
  if (isRecord(value) || Array.isArray(value)) left[name] = value;
}
