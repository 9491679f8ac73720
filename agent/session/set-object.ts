import { hashSet, type SelectorSet } from "@guardbee/policy";

import type { NamedSet } from "../kernel/engine.ts";
import { checkSet } from "./check-set.ts";

export type ParsedSet =
  | { readonly ok: true; readonly set: NamedSet }
  /** `hash` is what the object claims, empty when it claims none. */
  | { readonly ok: false; readonly hash: string; readonly message: string };

/** The set in a SelectorSet object's `spec`. Never throws, whatever somebody wrote there. */
export function parseSetObject(name: string, spec: unknown): ParsedSet {
  const { hash: claimed, set } = (spec ?? {}) as { hash?: unknown; set?: unknown };
  const hash = typeof claimed === "string" ? claimed : "";
  const problem = checkSet(set);
  if (problem !== undefined) {
    const message = `${problem}; use an operator of this agent's version`;
    return { ok: false, hash, message };
  }
  const actual = hashSet(set as SelectorSet);
  if (actual !== hash) {
    const message = `spec.hash is ${hash || "empty"} but the content has ${actual}; let the operator write it again`;
    return { ok: false, hash, message };
  }
  return { ok: true, set: { name, hash, set: set as SelectorSet } };
}
