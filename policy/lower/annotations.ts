import type { Problem } from "../problem.ts";
import { rolloutAnnotations } from "../rollout.ts";
import type { Metadata } from "../schema/metadata.ts";
import { suggest } from "../suggest.ts";

/** What a policy may have, with those that the built-in guard rails read. */
const known: readonly string[] = [
  ...Object.values(rolloutAnnotations),
  "guardbee.io/allow-cluster-wide",
  "guardbee.io/allow-system-namespaces",
];

/**
 * Warns of annotations that are nearly ours: with a misspelt monitor-first a policy enforces at once.
 * Others may be meant for somebody's guard rail.
 */
export function annotationWarnings({ annotations = {} }: Metadata): readonly Problem[] {
  return Object.keys(annotations).flatMap((key): readonly Problem[] => {
    const close = known.includes(key) ? undefined : suggest(key, known);
    if (close === undefined) return [];
    const what = "is no annotation that anybody reads";
    const fix = `did you mean ${close}?`;
    return [{ field: `metadata.annotations[${key}]`, what, fix, kind: "invalid" }];
  });
}
