import { isTooDeep, maxDepth } from "./depth.ts";
import { isRecord } from "./is-record.ts";
import type { Problem } from "./problem.ts";
import { conform, isNullRefusal } from "./schema/conform.ts";
import type { Metadata } from "./schema/metadata.ts";

const annotation = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * Nulls that the schema refuses, and that client-side `kubectl apply` has left out of what it sent: all
 * that tells of them is what kubectl notes of the file. A field that is there, by whatever way, is no
 * problem.
 */
export function droppedByApply(
  schema: object,
  object: Readonly<Record<string, unknown>>,
  { annotations }: Metadata,
): readonly Problem[] {
  const text = annotations?.[annotation];
  if (text === undefined || !text.includes("null")) return [];
  let applied: unknown;
  try {
    applied = JSON.parse(text);
  } catch {
    return []; // not kubectl's, so it says nothing
  }
  if (!isRecord(applied)) return [];
  if (isTooDeep(applied)) {
    const what = `is nested deeper than ${maxDepth} levels`;
    const fix = "remove it, and apply the file again";
    return [{ field: `metadata.annotations[${annotation}]`, what, fix, kind: "invalid" }];
  }
  const judged = conform(schema, { spec: withoutGiven(applied.spec, object.spec) }, "");
  return judged.ok ? [] : judged.problems.filter(isNullRefusal);
}

/** `applied`, less the nulls in whose place `now` has something, and lists that have changed since. */
function withoutGiven(applied: unknown, now: unknown): unknown {
  if (Array.isArray(applied)) {
    const items = Array.isArray(now) && now.length === applied.length ? now : undefined;
    return items === undefined ? [] : applied.map((item, i) => withoutGiven(item, items[i]));
  }
  if (!isRecord(applied)) return applied;
  const given = isRecord(now) ? now : {};
  return Object.fromEntries(
    Object.entries(applied)
      .filter(([key, value]) => value !== null || (given[key] ?? null) === null)
      .map(([key, value]) => [key, withoutGiven(value, given[key])]),
  );
}
