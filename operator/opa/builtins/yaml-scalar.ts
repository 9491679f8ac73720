import { parseNumber, type RegoValue } from "../value.ts";
import { BuiltinError } from "./builtin.ts";
import { parseTime } from "./go-time-parse.ts";

/** `value` undefined: a number that JSON does not have. */
export type Resolved = { readonly value: RegoValue | undefined };

const words: ReadonlyMap<string, RegoValue | undefined> = new Map<string, RegoValue | undefined>([
  ...["", "~", "null", "Null", "NULL"].map((word) => [word, null] as const),
  ...["true", "True", "TRUE"].map((word) => [word, true] as const),
  ...["false", "False", "FALSE"].map((word) => [word, false] as const),
  ...[".nan", ".NaN", ".NAN"].map((word) => [word, undefined] as const),
  ...["", "+", "-"].flatMap((sign) =>
    [".inf", ".Inf", ".INF"].map((word) => [sign + word, undefined] as const),
  ),
]);

const float = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;

/** What a plain scalar stands for where it is no string: go.yaml.in/yaml/v3, resolve.go. */
export function resolvePlain(text: string): Resolved | undefined {
  if (words.has(text)) return { value: words.get(text) };
  if (!/^[-+.\d]/.test(text)) return undefined;
  if (text.startsWith(".")) return float.test(text) ? numeric(Number(text)) : undefined;
  const plain = text.replaceAll("_", "");
  const whole = integer(plain);
  if (whole !== undefined) return { value: parseNumber(String(whole)) };
  return float.test(plain) ? numeric(Number(plain)) : undefined;
}

/** What is too large for a double is text to Go. */
function numeric(value: number): Resolved | undefined {
  return Number.isFinite(value) ? { value } : undefined;
}

/** Of 64 bits, signed or not, with Go's prefixes; 0777 is octal as in YAML 1.1. */
function integer(text: string): bigint | undefined {
  const [, sign = "", digits = ""] = /^([-+]?)(.*)$/.exec(text)!;
  const octal = /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits;
  const known = /^(0|[1-9]\d*|0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)$/.test(octal);
  if (!known) return undefined;
  const value = BigInt(octal) * (sign === "-" ? -1n : 1n);
  const fits = value >= -(2n ** 63n) && value < (sign === "" ? 2n ** 64n : 2n ** 63n);
  return fits ? value : undefined;
}

const timestamps = [
  ...["2006-1-2T15:4:5.999999999Z07:00", "2006-1-2t15:4:5.999999999Z07:00"],
  ...["2006-1-2 15:4:5.999999999", "2006-1-2"],
];

/** Whether a string has to be quoted, as other parsers would take it for something else. */
export function isAmbiguous(text: string): boolean {
  if (text === "<<" || resolvePlain(text) !== undefined) return true;
  if (/^(y|yes|on|n|no|off)$/i.test(text) && !/^[a-z]+[A-Z]|^[A-Z]{2,}[a-z]/.test(text))
    return true;
  if (/^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$/.test(text)) return true;
  return /^\d{4}-/.test(text) && timestamps.some((layout) => isTime(layout, text));
}

function isTime(layout: string, text: string): boolean {
  try {
    parseTime(layout, text);
    return true;
  } catch (error) {
    if (error instanceof BuiltinError) return false;
    throw error;
  }
}
