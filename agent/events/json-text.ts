import { printable } from "@guardbee/policy/printable";

/**
 * A value as JSON of printable characters: what a terminal, or a reader of lines, could take for a
 * command is escaped, and means the same to whoever parses it.
 */
export function jsonText(value: unknown): string {
  return printable(JSON.stringify(value));
}
