import { sorted } from "../order.ts";
import { parseNumber, RegoObject, type RegoValue } from "../value.ts";
import { type Builtin, BuiltinError } from "./builtin.ts";
import { goText } from "./go-replace.ts";
import { jsonText } from "./json-text.ts";
import { stringOf } from "./operands.ts";

/** JSON and base64 in place of what `opa build` compiles in: see host-functions.ts. */
export const moduleEncoding: Readonly<Record<string, Builtin>> = {
  "json.marshal": (value) => jsonText(sorted(value!)),
  "json.unmarshal": (text) => unmarshal(stringOf(text)),
  "json.is_valid": (text) => typeof text === "string" && isJson(text),
  "base64.decode": (text) => decode(stringOf(text)),
  "base64.is_valid": (text) => typeof text === "string" && isBase64(withoutBreaks(text)),
  "base64url.decode": (text) => decodeUrl(stringOf(text)),
};

/** What of the binary exponent OPA still takes (v1/ast/term.go, maxNumberExp), in decimal digits. */
const largestExponent = 30_102;

function unmarshal(text: string): RegoValue {
  const reviver = (_key: string, value: unknown, context: { readonly source?: string }) => {
    if (typeof value === "number") return numberOf(context.source!);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject && isPlain(value)
      ? new RegoObject(Object.entries(value as Record<string, RegoValue>))
      : value;
  };
  try {
    return JSON.parse(text, reviver as Parameters<typeof JSON.parse>[1]) as RegoValue;
  } catch (error) {
    if (error instanceof RangeError) throw error; // too deep for this thread, not for OPA
    throw new BuiltinError("is no JSON");
  }
}

/** Not a number that the reviver has put into its object's place already. */
function isPlain(value: object): boolean {
  return Object.getPrototypeOf(value) === Object.prototype;
}

function numberOf(text: string): RegoValue {
  const [, digits = "", exponent = "0"] = /^-?([\d.]+)(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  const point = digits.indexOf(".") < 0 ? digits.length : digits.indexOf(".");
  if (/[1-9]/.test(digits) && Math.abs(Number(exponent) + point) > largestExponent) {
    throw new BuiltinError("has a number with too large an exponent");
  }
  return parseNumber(text);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Go's decoder takes line ends wherever they are. */
function withoutBreaks(text: string): string {
  return text.replace(/[\r\n]/g, "");
}

function isBase64(text: string): boolean {
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text);
}

function decode(text: string): string {
  const joined = withoutBreaks(text);
  if (!isBase64(joined)) throw new BuiltinError("is no base64");
  return goText(Buffer.from(joined, "base64"));
}

/** Padding may be left out, of a text that is padded else by its length with all that is in it. */
function decodeUrl(text: string): string {
  const { length } = Buffer.from(text);
  const padded = text.endsWith("=")
    ? text
    : text.padEnd(text.length + ((4 - (length % 4)) % 4), "=");
  if (!text.endsWith("=") && length % 4 === 1) throw new BuiltinError("is no base64url");
  const joined = withoutBreaks(padded);
  if (/[+/]/.test(joined)) throw new BuiltinError("is no base64url");
  const standard = joined.replaceAll("-", "+").replaceAll("_", "/");
  if (!isBase64(standard)) throw new BuiltinError("is no base64url");
  return goText(Buffer.from(standard, "base64"));
}
