import type { WireWriter } from "../../wire/writer.ts";

/** Values of attributes, as OTLP's AnyValue has them. */
export type AttributeValue = string | number | boolean | readonly string[] | undefined;
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** Writes each attribute that has a value as a KeyValue in the field `tag` of the message that is open. */
export function writeAttributes(out: WireWriter, tag: number, attributes: Attributes): void {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === "") continue;
    const start = out.open(tag);
    out.textSet(keyValue.key, key);
    writeValue(out, keyValue.value, value);
    out.close(start);
  }
}

export function writeValue(
  out: WireWriter,
  tag: number,
  value: Exclude<AttributeValue, undefined>,
): void {
  const start = out.open(tag);
  if (typeof value === "string") out.textSet(anyValue.string, value);
  else if (typeof value === "boolean") out.uintSet(anyValue.bool, value ? 1 : 0);
  else if (typeof value === "number") out.uintSet(anyValue.int, value);
  else {
    const array = out.open(anyValue.array);
    for (const one of value) writeValue(out, arrayValue.values, one);
    out.close(array);
  }
  out.close(start);
}

/** Tags of opentelemetry.proto.common.v1: number << 3 | type on the wire. */
const keyValue = { key: 0x0a, value: 0x12 };
const anyValue = { string: 0x0a, bool: 0x10, int: 0x18, array: 0x2a };
const arrayValue = { values: 0x0a };
