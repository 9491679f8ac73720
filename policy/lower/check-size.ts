import type { Problem } from "../problem.ts";
import { bounds } from "../schema/bounds.ts";
import type { SetSize } from "../selector-set.ts";

/** What a whole policy has too much of; the schema bounds each of its lists. */
export function checkSize(size: SetSize): readonly Problem[] {
  return (["selectors", "values"] as const).flatMap((what): readonly Problem[] => {
    if (size[what] <= bounds[what]) return [];
    const fix = `at most ${bounds[what]} in one policy: split it`;
    return [{ field: "spec", what: `has ${size[what]} ${what}`, fix, kind: "invalid" }];
  });
}
