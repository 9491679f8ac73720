import { sorted } from "../order.ts";
import { RegoObject, RegoSet, type RegoValue, regoObject } from "../value.ts";
import { type Builtin, BuiltinError } from "./builtin.ts";
import { jsonText, keyText } from "./json-text.ts";
import { membersOf, objectOf, stringOf } from "./operands.ts";

export const encoding: Readonly<Record<string, Builtin>> = {
  "base64url.encode_no_pad": (text) => Buffer.from(stringOf(text)).toString("base64url"),
  "hex.encode": (text) => Buffer.from(stringOf(text)).toString("hex"),
  "hex.decode": (text) => decodeHex(stringOf(text)),
  "urlquery.encode": (text) => encodeQuery(stringOf(text)),
  "urlquery.decode": (text) => decodeQuery(stringOf(text)),
  "urlquery.encode_object": (object) => encodeObject(objectOf(sorted(object!))),
  "urlquery.decode_object": (text) => decodeObject(stringOf(text)),
  "json.marshal_with_options": (value, options) => marshal(sorted(value!), objectOf(options)),
};

function decodeHex(text: string): string {
  if (!/^([0-9a-f]{2})*$/i.test(text)) throw new BuiltinError("is not hexadecimal");
  return Buffer.from(text, "hex").toString();
}

/** Go's url.QueryEscape: only letters, digits and -_.~ stay. */
function encodeQuery(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}

function decodeQuery(text: string): string {
  if (/%(?![0-9a-f]{2})/i.test(text)) throw new BuiltinError("invalid URL escape");
  const bytes: Buffer[] = text
    .replaceAll("+", " ")
    .split(/(%[0-9a-f]{2})/i)
    .map((part, i) => (i % 2 === 1 ? Buffer.from(part.slice(1), "hex") : Buffer.from(part)));
  return Buffer.concat(bytes).toString();
}

function encodeObject(object: RegoObject): string {
  const pairs = object.entries.map(([key, value]): [string, readonly string[]] => [
    keyText(key),
    typeof value === "string" ? [value] : membersOf(value).map(stringOf),
  ]);
  return pairs
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .flatMap(([key, values]) => values.map((one) => `${encodeQuery(key)}=${encodeQuery(one)}`))
    .join("&");
}

function decodeObject(text: string): RegoValue {
  const values = new Map<string, string[]>();
  for (const pair of text.split("&")) {
    if (pair.includes(";")) throw new BuiltinError("invalid semicolon separator in query");
    if (pair === "") continue;
    const [, key, value = ""] = /^([^=]*)=?(.*)$/s.exec(pair)!;
    const name = decodeQuery(key!);
    values.set(name, [...(values.get(name) ?? []), decodeQuery(value)]);
  }
  return regoObject(Object.fromEntries(values));
}

/** Options: `indent`, `prefix`; either asks for lines, unless `pretty` says otherwise. */
function marshal(value: RegoValue, options: RegoObject): string {
  let [indent, prefix] = ["\t", ""];
  let lines = false;
  let explicit: boolean | undefined;
  for (const [key, option] of options.entries) {
    if (key === "indent") indent = stringOf(option);
    else if (key === "prefix") prefix = stringOf(option);
    else if (key === "pretty" && typeof option === "boolean") explicit = option;
    else throw new BuiltinError(`unknown option ${String(key)}`);
    lines ||= key !== "pretty";
  }
  if (!(explicit ?? lines)) return jsonText(value);
  return prefix + indented(value, prefix, indent, 0);
}

/** As Go's json.MarshalIndent. */
function indented(value: RegoValue, prefix: string, indent: string, depth: number): string {
  const line = (deeper: number) => `\n${prefix}${indent.repeat(depth + deeper)}`;
  const inside = (one: RegoValue) => indented(one, prefix, indent, depth + 1);
  const join = (open: string, close: string, members: readonly string[]) =>
    members.length === 0
      ? open + close
      : `${open}${line(1)}${members.join(`,${line(1)}`)}${line(0)}${close}`;
  if (value instanceof RegoObject) {
    const entries = sortedEntries(value);
    return join(
      "{",
      "}",
      entries.map(([key, one]) => `${jsonText(key)}: ${inside(one)}`),
    );
  }
  if (value instanceof RegoSet) return join("[", "]", value.items.map(inside));
  if (Array.isArray(value)) return join("[", "]", value.map(inside));
  return jsonText(value);
}

function sortedEntries(object: RegoObject): readonly (readonly [string, RegoValue])[] {
  return object.entries
    .map(([key, value]): [string, RegoValue] => [keyText(key), value])
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
