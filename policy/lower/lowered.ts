import type { Problem, Result } from "../problem.ts";
import type { SelectorSet } from "../selector-set.ts";
import type { Report } from "./report.ts";

/** A policy's set, or everything that stands against it; and what is allowed and probably not meant. */
export type Lowered = Result<SelectorSet> & { readonly warnings: readonly Problem[] };

/** `set` unless there are problems. */
export function lowered({ problems, warnings }: Report, set: () => SelectorSet): Lowered {
  return problems.length > 0
    ? { ok: false, problems, warnings }
    : { ok: true, value: set(), warnings };
}
