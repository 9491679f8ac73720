import type { Problem } from "../problem.ts";

/** Collects what is wrong with one policy while it is lowered, so that a person sees all of it. */
export type Report = {
  readonly problems: readonly Problem[];
  /** What is taken, and can do nothing, or less than it says. */
  readonly warnings: readonly Problem[];
  readonly warn: (field: string, what: string, fix: string) => void;
  readonly invalid: (field: string, what: string, fix: string) => void;
  readonly unsupported: (field: string, what: string, fix: string) => void;
};

export function createReport(): Report {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  return {
    problems,
    warnings,
    warn: (field, what, fix) => warnings.push({ field, what, fix, kind: "invalid" }),
    invalid: (field, what, fix) => problems.push({ field, what, fix, kind: "invalid" }),
    unsupported: (field, what, fix) => problems.push({ field, what, fix, kind: "unsupported" }),
  };
}

/**
 * Reports every field of `given` that is set and not in `known` as unsupported. What is added to
 * a schema is thereby refused until it is lowered; nothing can be ignored by oversight. Empty lists
 * and text, and false, are what the schema's defaults are, and count as not set.
 */
export function refuseOthers(
  report: Report,
  given: Readonly<Record<string, unknown>>,
  place: { readonly at: string; readonly known: readonly string[]; readonly fix?: string },
): void {
  const { at, known, fix = "remove it, or wait for a version that can do this" } = place;
  for (const [key, value] of Object.entries(given)) {
    if (known.includes(key) || isUnset(value)) continue;
    report.unsupported(`${at}.${key}`, "is not supported yet", fix);
  }
}

function isUnset(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === undefined || value === null || value === false || value === "";
}
