import { isRecord } from "../is-record.ts";
import type { Problem, Result } from "../problem.ts";
import { quote, suggestFrom } from "../suggest.ts";
import { nullRefusal, type Union, unionOf } from "./dsl.ts";
import type { Shape } from "./shape.ts";

/** What is known of the text that an object was read from. */
export type Source = {
  /** The plain scalar at a field path, as it stands there; undefined: there is none. */
  readonly written?: (field: string) => string | undefined;
  /** Told of nulls that an API server drops. */
  readonly dropped?: (field: string) => void;
};

/**
 * `raw` with the schema's defaults filled in, or every way in which it does not fit. Judges as an
 * API server with strict field validation does; unlike it, says what is allowed. Never throws.
 */
export function conform(
  schema: object,
  raw: unknown,
  at: string,
  source: Source = {},
): Result<unknown> {
  const problems: Problem[] = [];
  const value = walk({ schema: schema as Shape, at, problems, source }, raw);
  return problems.length === 0 ? { ok: true, value } : { ok: false, problems };
}

type Place = {
  readonly schema: Shape;
  readonly at: string;
  readonly problems: Problem[];
  readonly source: Source;
};

function walk(place: Place, raw: unknown): unknown {
  if (place.schema["x-kubernetes-int-or-string"] === true) return checkIntOrString(place, raw);
  switch (place.schema.type) {
    case "object":
      return walkObject(place, raw);
    case "array":
      return walkArray(place, raw);
    case "string":
      return checkString(place, raw);
    case "integer":
      return checkInteger(place, raw);
    case "boolean":
      if (typeof raw !== "boolean")
        report(place, `is ${describe(place, raw)}`, "write true or false");
      return raw;
    default:
      throw new Error(`${place.at}: schema without a type`);
  }
}

function walkObject(place: Place, raw: unknown): unknown {
  if (!isRecord(raw)) {
    report(place, `is ${describe(place, raw)}`, "write a mapping of fields");
    return raw;
  }
  if (place.schema["x-kubernetes-preserve-unknown-fields"] === true) return raw;
  const union = unionOf(place.schema);
  if (union !== undefined) return walkMember(place, union, raw);
  const { maxProperties = Number.POSITIVE_INFINITY } = place.schema;
  if (Object.keys(raw).length > maxProperties) {
    report(place, `has ${Object.keys(raw).length} entries`, `at most ${maxProperties}`);
    return raw;
  }
  const { schema, problems, source } = place;
  const before = problems.length;
  // No prototype: keys come from outside, and "__proto__" must stay an ordinary key.
  const value: Record<string, unknown> = Object.create(null);
  for (const [key, given] of Object.entries(raw)) {
    const member = memberOf(schema, key);
    const at = schema.properties === undefined ? `${place.at}[${key}]` : `${place.at}.${key}`;
    const inner = { schema: member ?? {}, at, problems, source };
    if (member === undefined) reportUnknown(place, key, at);
    else if (given !== null) value[key] = walk(inner, given);
    else if (nullRefusal(member) !== undefined) refuseEmpty(inner, nullRefusal(member)!);
    else if (member.nullable === true) value[key] = null;
    else source.dropped?.(withoutLeadingDot(at));
  }
  for (const [key, member] of Object.entries(schema.properties ?? {})) {
    if (value[key] !== undefined || member.default === undefined) continue;
    value[key] = structuredClone(member.default);
  }
  for (const key of schema.required ?? []) {
    if (value[key] !== undefined || (raw[key] ?? null) !== null) continue;
    reportMissing(place, key, memberOf(schema, key));
  }
  if (problems.length === before) checkRules(place, value);
  return value;
}

/** One of a union: its own fields, and no other's. */
function walkMember(place: Place, { tag, byTag }: Union, raw: Readonly<Record<string, unknown>>) {
  const { at, problems, source } = place;
  const name = raw[tag];
  const member = typeof name === "string" ? byTag.get(name) : undefined;
  if (member !== undefined) return walkObject({ ...place, schema: member }, raw);
  const anyTag = { type: "string", enum: [...byTag.keys()] } as const;
  if (name === undefined || name === null) reportMissing(place, tag, anyTag);
  else walk({ schema: anyTag, at: `${at}.${tag}`, problems, source }, name);
  return raw;
}

function reportMissing({ at, problems }: Place, key: string, schema: Shape | undefined): void {
  const fix = `write ${expected(schema)}`;
  problems.push({ field: `${at}.${key}`, what: "is missing", fix, kind: "invalid" });
}

const emptyMeans = "is empty: without it, ";

function refuseEmpty(place: Place, consequence: string): void {
  const fix = "give it a value, or leave it out if that is meant";
  report(place, `${emptyMeans}${consequence}`, fix);
}

/** Whether the problem is a null that the schema refuses. */
export function isNullRefusal({ what }: Problem): boolean {
  return what.startsWith(emptyMeans);
}

function memberOf(schema: Shape, key: string): Shape | undefined {
  if (schema.properties === undefined) return schema.additionalProperties;
  return Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
}

function reportUnknown(place: Place, key: string, at: string): void {
  const known = Object.keys(place.schema.properties ?? {});
  const fix = suggestFrom(key, known, "known fields");
  place.problems.push({ field: at, what: "is not a field", fix, kind: "invalid" });
}

function checkRules({ schema, at, problems }: Place, value: Record<string, unknown>): void {
  for (const rule of schema["x-kubernetes-validations"] ?? []) {
    if (rule.holds(value)) continue;
    const [what = "", fix = ""] = rule.message.split("; ");
    problems.push({ field: at, what, fix, kind: "invalid" });
  }
}

function walkArray(place: Place, raw: unknown): unknown {
  const { schema, at, problems, source } = place;
  if (!Array.isArray(raw)) {
    report(
      place,
      `is ${describe(place, raw)}`,
      `write a list: each item on a line of its own after "- "`,
    );
    return raw;
  }
  if (raw.length > (schema.maxItems ?? Number.POSITIVE_INFINITY)) {
    report(place, `has ${raw.length} items`, `at most ${schema.maxItems}`);
    return raw; // what is in them is not worth a look, nor thousands of further problems
  }
  if (raw.length < (schema.minItems ?? 0)) {
    report(place, `has ${raw.length} items`, `at least ${schema.minItems}`);
  }
  const items = schema.items ?? {};
  return raw.map((item, i) => walk({ schema: items, at: `${at}[${i}]`, problems, source }, item));
}

function checkString(place: Place, raw: unknown): unknown {
  const { schema } = place;
  if (typeof raw !== "string") {
    const plain = typeof raw === "number" || typeof raw === "boolean";
    report(
      place,
      `is ${describe(place, raw)}`,
      plain ? `quote it: "${writtenAt(place) ?? raw}"` : `write ${expected(schema)}`,
    );
  } else if (schema.enum !== undefined) {
    if (!schema.enum.includes(raw)) {
      report(place, `is ${quote(raw)}`, suggestFrom(raw, schema.enum));
    }
  } else checkText(place, raw);
  return raw;
}

function checkText(place: Place, raw: string): void {
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern } = place.schema;
  // Counting characters costs more than all else here; there are never more than code units.
  const exact = raw.length > maxLength || minLength > 0;
  const length = exact ? [...raw].length : raw.length;
  if (length > maxLength) {
    report(place, `has ${length} characters`, `at most ${maxLength}`);
  } else if (length < minLength) {
    report(place, `has ${length} characters`, `at least ${minLength}`);
  } else if (pattern !== undefined && !new RegExp(pattern).test(raw)) {
    report(place, `is ${quote(raw)}`, `it must match ${pattern}`);
  }
}

function checkInteger(place: Place, raw: unknown): unknown {
  if (typeof raw !== "number" || !Number.isInteger(raw)) {
    report(place, `is ${describe(place, raw)}`, "write a whole number, without quotes");
    return raw;
  }
  const { minimum, maximum } = integerBounds(place.schema);
  if (raw < minimum || raw > maximum) {
    report(place, `is ${writtenAt(place) ?? raw}`, `allowed: ${minimum} to ${maximum}`);
  }
  return raw;
}

function integerBounds(schema: Shape): { minimum: number; maximum: number } {
  const int32 = schema.format === "int32";
  const minimum = schema.minimum ?? (int32 ? -(2 ** 31) : Number.MIN_SAFE_INTEGER);
  const maximum = schema.maximum ?? (int32 ? 2 ** 31 - 1 : Number.MAX_SAFE_INTEGER);
  return { minimum, maximum };
}

function checkIntOrString(place: Place, raw: unknown): unknown {
  if (typeof raw !== "string" && !Number.isInteger(raw)) {
    report(place, `is ${describe(place, raw)}`, "write a whole number or text");
  }
  return raw;
}

function expected(schema: Shape | undefined): string {
  if (schema?.enum !== undefined) return `one of ${schema.enum.join(", ")}`;
  const words = {
    object: "a mapping of fields",
    array: "a list",
    string: "text",
    integer: "a whole number",
    boolean: "true or false",
  } as const;
  return schema?.type === undefined ? "a value" : words[schema.type];
}

function describe(place: Place, raw: unknown): string {
  if (raw === null || raw === undefined) return "empty";
  if (Array.isArray(raw)) return "a list";
  if (typeof raw === "object") return "a mapping";
  return typeof raw === "string" ? `the text ${quote(raw)}` : describePlain(raw, writtenAt(place));
}

/** `the boolean false, written no`: a number or a boolean, and how it stands in the file. */
export function describePlain(raw: unknown, written: string | undefined): string {
  const as = written === undefined || written === String(raw) ? "" : `, written ${written}`;
  // Of a number that JavaScript rounds, the file has the right digits.
  const exact = typeof raw === "number" && /^-?[1-9][0-9]*$/.test(written ?? "");
  return exact ? `the number ${written}` : `the ${typeof raw} ${raw}${as}`;
}

function writtenAt({ at, source }: Place): string | undefined {
  return source.written?.(withoutLeadingDot(at));
}

/** Fields of the object that is judged have no parent to name. */
function withoutLeadingDot(field: string): string {
  return field.replace(/^\./, "");
}

function report({ at, problems }: Place, what: string, fix: string): void {
  problems.push({ field: at, what, fix, kind: "invalid" });
}
