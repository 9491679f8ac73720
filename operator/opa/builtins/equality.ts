import { BigNumber, RegoObject, RegoSet, type RegoValue } from "../value.ts";

/** A text that two values share exactly when Rego holds them for equal: 1 and 1.0, {1, 2} and {2, 1}. */
export function identityOf(value: RegoValue): string {
  if (typeof value === "number") return String(value);
  if (value instanceof BigNumber) {
    return /^-?\d+$/.test(value.text) ? String(BigInt(value.text)) : String(Number(value.text));
  }
  if (value instanceof RegoSet) return `<${value.items.map(identityOf).sort().join()}>`;
  if (value instanceof RegoObject) {
    const entries = value.entries.map(([k, v]) => `${identityOf(k)}:${identityOf(v)}`);
    return `{${entries.sort().join()}}`;
  }
  if (Array.isArray(value)) return `[${value.map(identityOf).join()}]`;
  return JSON.stringify(value);
}
