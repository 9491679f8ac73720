import { type FieldKind, whatIsTaken } from "./field-support.ts";
import { bounds } from "./schema/bounds.ts";
import { nullRefusal } from "./schema/dsl.ts";
import type { Shape } from "./schema/shape.ts";

/** The fields of one object of a policy. */
export type FieldTable = {
  /** `spec.kprobes[].args[]` */
  readonly path: string;
  readonly rows: readonly FieldRow[];
};

export type FieldRow = {
  readonly name: string;
  readonly required: boolean;
  readonly type: string;
  /** Whether this version does what it says. */
  readonly here: string;
  /** What it is, what it may be, and what holds without it. */
  readonly what: string;
};

/**
 * A table for each object below `spec` that this version takes, each before what is in it; of objects
 * of one shape only the first has one.
 */
export function fieldTables(kind: FieldKind | "RegoPolicy", spec: Shape): readonly FieldTable[] {
  const seen = new Map<string, string>();
  const tablesOf = (path: string, shape: Shape): readonly FieldTable[] => {
    const inside: { readonly path: string; readonly shape: Shape }[] = [];
    const rows = fieldsOf(shape).map(([name, field]) => {
      const at = `${path}.${name}`;
      const taken = kind === "RegoPolicy" ? allTaken : whatIsTaken(kind, spec, at);
      const inner = objectIn(field);
      const known = inner && seen.get(signature(inner));
      if (inner !== undefined && known === undefined && taken.here !== "no") {
        const each = field.type === "array" ? `${at}[]` : at;
        seen.set(signature(inner), each);
        inside.push({ path: each, shape: inner });
      }
      const required = shape.required?.includes(name) === true && field.default === undefined;
      const like = known === undefined ? [] : [`fields as \`${known}\``];
      const what = [...whatIs(field, taken.values), ...like].join("; ");
      return { name, required, here: taken.here, type: typeOf(field), what };
    });
    return [{ path, rows }, ...inside.flatMap((one) => tablesOf(one.path, one.shape))];
  };
  return tablesOf("spec", spec);
}

/** The fields, kprobes first: what others have of the same shape is then said to be as there. */
function fieldsOf({ properties = {} }: Shape): readonly (readonly [string, Shape])[] {
  const fields = Object.entries(properties);
  const [first] = fields.filter(([name]) => name === "kprobes");
  return first === undefined ? fields : [first, ...fields.filter((one) => one !== first)];
}

const allTaken = { here: "yes", values: undefined };

/** The object that a field is, or is a list of; undefined: it is of something else, or of free keys. */
function objectIn(field: Shape): Shape | undefined {
  const inner = field.type === "array" ? field.items : field;
  return inner?.properties === undefined ? undefined : inner;
}

function signature(shape: Shape): string {
  return JSON.stringify(shape.properties, (key, value) => (key === "default" ? undefined : value));
}

function typeOf(field: Shape): string {
  if (field["x-kubernetes-preserve-unknown-fields"]) return "object, anything";
  if (field.type === "array") return `list of ${wordOf(field.items ?? {})}s`;
  if (field.additionalProperties !== undefined) return "texts by key";
  return wordOf(field);
}

function wordOf({ type = "object", format }: Shape): string {
  if (type === "string") return "text";
  return format === "int64" ? "64-bit integer" : type;
}

/** Its description, values, bounds and default, and what holds where it is absent. */
function whatIs(
  field: Shape & { readonly description?: string },
  taken: readonly string[] | undefined,
): readonly string[] {
  const { description, pattern, maxLength, default: otherwise } = field;
  const isList = field.type === "array";
  const value = isList ? (field.items ?? {}) : field;
  const consequence = nullRefusal(field);
  return [
    description?.replace(/\.$/, ""),
    valuesOf(value, taken),
    range(value.minimum, value.maximum, ""),
    isList ? range(field.minItems, own(field.maxItems, bounds.items), " items") : undefined,
    range(undefined, own(maxLength, bounds.textLength), " characters"),
    pattern && `like \`${pattern.replaceAll("|", "\\|")}\``,
    ["", false, undefined].some((none) => none === otherwise)
      ? undefined
      : `default \`${String(otherwise)}\``,
    consequence && `without it, ${consequence}`,
  ].flatMap((part) => (part ? [part] : []));
}

function valuesOf(
  { enum: values = [] }: Shape,
  taken: readonly string[] | undefined,
): string | undefined {
  const here = values.filter((value) => taken === undefined || taken.includes(value));
  const others = values.filter((value) => !here.includes(value));
  const parts = [codes(here), others.length === 0 ? "" : `not here: ${codes(others)}`];
  return parts.filter((part) => part !== "").join("; ");
}

export function codes(words: readonly string[]): string {
  return words.map((word) => `\`${word}\``).join(", ");
}

/** A bound that is not the one of everything that has none of its own. */
function own(bound: number | undefined, general: number): number | undefined {
  return bound === general ? undefined : bound;
}

function range(from: number | undefined, to: number | undefined, of: string): string | undefined {
  if (to === undefined) return from === undefined ? undefined : `${grouped(from)} or more${of}`;
  return `${from === undefined ? "at most" : `${grouped(from)} to`} ${grouped(to)}${of}`;
}

function grouped(number: number): string {
  return number.toLocaleString("en");
}
