import { isDeepStrictEqual } from "node:util";
import { canonicalJson } from "@guardbee/policy";

/** How two results relate: `order`, when lists in them have the same members in another order. */
export type Relation = "same" | "order" | "different";

export function relationOf(a: unknown, b: unknown): Relation {
  if (isDeepStrictEqual(a, b)) return "same";
  return canonicalJson(unordered(a)) === canonicalJson(unordered(b)) ? "order" : "different";
}

/** With the members of each list in an order that depends on nothing but them. */
function unordered(value: unknown): unknown {
  if (Array.isArray(value)) {
    const members = value.map(unordered).map((one) => [canonicalJson(one), one] as const);
    return members.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, one]) => one);
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, unordered(one)]));
}

/**
 * Where two results part first: `[0].spec.values[1]`, and what stands there in each. What is only in
 * another order is passed over where they differ in more.
 */
export function firstParting(
  a: unknown,
  b: unknown,
  at = "",
): { readonly at: string; readonly a: unknown; readonly b: unknown } | undefined {
  if (isDeepStrictEqual(a, b)) return undefined;
  const [inA, inB] = [membersOf(a), membersOf(b)];
  if (inA === undefined || inB === undefined || Array.isArray(a) !== Array.isArray(b)) {
    return { at, a, b };
  }
  const isMore = relationOf(a, b) === "different";
  for (const key of new Set([...inA.keys(), ...inB.keys()])) {
    if (isMore && relationOf(inA.get(key), inB.get(key)) === "order") continue;
    const step = typeof key === "number" ? `[${key}]` : `.${key}`;
    const found = firstParting(inA.get(key), inB.get(key), at + step);
    if (found !== undefined) return found;
  }
  return { at, a, b };
}

function membersOf(value: unknown): ReadonlyMap<string | number, unknown> | undefined {
  if (Array.isArray(value)) return new Map(value.entries());
  if (typeof value !== "object" || value === null) return undefined;
  return new Map(Object.entries(value));
}
