import type { CrdFacts, CrdSchema } from "@guardbee/policy/crds";
import { stringify } from "yaml";

type Shown = {
  /** The last one of the path; undefined: the kind itself. */
  readonly field: string | undefined;
  readonly schema: CrdSchema;
  readonly recursive: boolean;
  readonly example: boolean;
};

/** Deeper than this nothing is shown, as upstream. */
const mostDepth = 5;
const margin = "     ";

/** As upstream's `tetra explain`: what a field is, and which fields it has, by name. */
export function formatSchema({ kind, version }: CrdFacts, shown: Shown): string {
  const { field, schema, recursive, example } = shown;
  const described = schema.description ?? "";
  return [
    `KIND:     ${kind}\nVERSION:  ${version}\n\n`,
    field === undefined ? "" : `FIELD:    ${field} <${typeName(schema)}>\n\n`,
    described === "" && field !== undefined
      ? ""
      : `DESCRIPTION:\n${indented(described, margin)}\n\n`,
    example && schema.example !== undefined
      ? `EXAMPLE:\n${indented(stringify(schema.example), margin)}\n`
      : "",
    fieldsOf(schema, recursive ? 0 : undefined),
  ].join("");
}

/** What has the fields: of a list its elements. */
export function holderOf(schema: CrdSchema): CrdSchema {
  return schema.type === "array" ? (schema.items ?? schema) : schema;
}

/** `depth`: how deep this is in what is shown with the fields of fields; undefined: those are not. */
function fieldsOf(schema: CrdSchema, depth: number | undefined): string {
  if ((depth ?? 0) > mostDepth) return "";
  const holder = holderOf(schema);
  const fields = Object.entries(holder.properties ?? {}).sort(byName);
  const head = (depth ?? 0) === 0 ? "FIELDS:\n" : "";
  if (fields.length > 0) {
    const shown = fields.map(([name, one]) => {
      const isRequired = holder.required?.includes(name) === true;
      return fieldText(name, one, { isRequired, depth });
    });
    return `${head}${shown.join("")}`;
  }
  const any = holder.additionalProperties;
  if (typeof any !== "object" || depth !== undefined) return "";
  const described = any.description === undefined ? "" : `${indented(any.description, margin)}\n`;
  return `${head}   <map[string]${typeName(any)}>\n${described}\n`;
}

function fieldText(
  name: string,
  schema: CrdSchema,
  { isRequired, depth }: { readonly isRequired: boolean; readonly depth: number | undefined },
): string {
  const indent = "  ".repeat(depth ?? 0);
  const described =
    schema.description === undefined
      ? ""
      : `${indented(schema.description, `${indent}${margin}`)}\n`;
  const required = isRequired ? " -required-" : "";
  const below = depth === undefined ? "" : fieldsOf(schema, depth + 1);
  return `${indent}   ${name}\t<${typeName(schema)}>${required}\n${described}${below}\n`;
}

function typeName({ type, items, additionalProperties }: CrdSchema): string {
  if (type === "array") return `[]${items === undefined ? "object" : typeName(items)}`;
  if (type === undefined || type === "") return "object";
  if (type !== "object" || typeof additionalProperties !== "object") return type;
  return `map[string]${typeName(additionalProperties)}`;
}

function indented(text: string, prefix: string): string {
  return text.replaceAll(/^(?=.)/gm, prefix);
}

/** Byte by byte, as Go sorts. */
function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
