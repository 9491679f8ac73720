import { printable } from "@guardbee/policy/printable";

/**
 * A value as JSON of printable characters: what a terminal, or a reader of lines, could take for a
 * command is escaped, and means the same to whoever parses it.
 */
export function jsonText(value: unknown): string {
  // Nearly every text; Unicode's tables cost three times as much.
  if (typeof value === "string" && plain.test(value)) return `"${value}"`;
  return printable(JSON.stringify(value));
}

/** `,"key":"value"`, or nothing for an empty value. */
export function textField(key: string, value: string | undefined): string {
  return value === undefined || value === "" ? "" : `,"${key}":${jsonText(value)}`;
}

/** Printable ASCII but the quotation mark and the backslash: the same in JSON. */
const plain = /^[ !#-[\]-~]*$/;
