import { formatValue, RegoObject, RegoSet, type RegoValue } from "../value.ts";

/** The value as Go's json.Marshal writes it: sets as lists, keys as text and sorted, HTML escaped. */
export function jsonText(value: RegoValue): string {
  if (typeof value === "string") return quoted(value);
  if (value instanceof RegoSet) return `[${value.items.map(jsonText).join()}]`;
  if (value instanceof RegoObject) {
    // Of two keys with one text the last stays, as in a Go map.
    const entries = [...new Map(value.entries.map(([key, one]) => [keyText(key), one]))].sort(
      ([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)),
    );
    return `{${entries.map(([key, one]) => `${quoted(key)}:${jsonText(one)}`).join()}}`;
  }
  return Array.isArray(value) ? `[${value.map(jsonText).join()}]` : formatValue(value);
}

/** A key that is no string becomes its JSON. */
export function keyText(key: RegoValue): string {
  return typeof key === "string" ? key : jsonText(key);
}

function quoted(text: string): string {
  return JSON.stringify(text).replace(/[<>&\u2028\u2029\u007f]/g, (character) =>
    character === "\u007f"
      ? character
      : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
