import { compareValues, sorted } from "./order.ts";
import { formatValue, RegoObject, RegoSet, type RegoValue } from "./value.ts";

/** Whether a value's text is JSON as it is: nothing in it is a set, or a key that is no string. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The value as `opa eval` gives it: sets are lists in Rego's order, keys their JSON. */
export function plainJson(value: RegoValue): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (value instanceof RegoSet) {
    return `[${value.items.map(sorted).sort(compareValues).map(plainJson).join()}]`;
  }
  if (value instanceof RegoObject) {
    const entries = value.entries.map(([key, one]) => {
      const name = typeof key === "string" ? key : plainJson(key);
      return `${JSON.stringify(name)}:${plainJson(one)}`;
    });
    return `{${entries.join()}}`;
  }
  return Array.isArray(value) ? `[${value.map(plainJson).join()}]` : formatValue(value);
}
