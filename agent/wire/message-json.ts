import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type MessageShape,
  ScalarType,
  toJson,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { jsonText } from "../json/json-text.ts";

/**
 * A message as upstream's clients print it (upstream-events-cli.md §1.1): protobuf's JSON with the
 * names of the .proto file, in their order there, keys of maps sorted; printable characters only.
 */
export function messageJson<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): string {
  return jsonOf(reflect(schema, message));
}

function jsonOf(message: ReflectMessage): string {
  const { desc } = message;
  // Times, durations, masks and what wraps a number have a form of their own.
  if (desc.typeName.startsWith("google.protobuf.")) {
    return jsonText(toJson(desc, message.message as MessageShape<typeof desc>));
  }
  const fields = desc.fields
    .filter((field) => message.isSet(field))
    .map((field) => `${jsonText(field.name)}:${fieldJson(message, field)}`);
  return `{${fields.join(",")}}`;
}

function fieldJson(message: ReflectMessage, field: DescField): string {
  switch (field.fieldKind) {
    case "scalar":
      return scalarJson(field.scalar, message.get(field));
    case "enum":
      return enumJson(field.enum, message.get(field));
    case "message":
      return jsonOf(message.get(field));
    case "list":
      return `[${[...message.get(field)].map((item) => itemJson(field, item)).join(",")}]`;
    case "map": {
      const entries = [...message.get(field)].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
      const each = entries.map(
        ([key, value]) => `${jsonText(String(key))}:${itemJson(field, value)}`,
      );
      return `{${each.join(",")}}`;
    }
  }
}

/** One of a list, or a value of a map. */
function itemJson(field: DescField & { fieldKind: "list" | "map" }, item: unknown): string {
  if (field.message !== undefined) return jsonOf(item as ReflectMessage);
  if (field.enum !== undefined) return enumJson(field.enum, item);
  return scalarJson(field.scalar!, item);
}

/** A number that the enum has no name for stays one. */
function enumJson(desc: DescEnum, value: unknown): string {
  const known = desc.value[value as number];
  return known === undefined ? String(value) : jsonText(known.name);
}

/** 64 bits are more than a number of JSON may have. */
function scalarJson(scalar: ScalarType, value: unknown): string {
  if (scalar === ScalarType.BYTES) {
    return `"${Buffer.from(value as Uint8Array).toString("base64")}"`;
  }
  return typeof value === "bigint" ? `"${value}"` : jsonText(value);
}
