import { canonicalConditions, conditionSections, lowerConditions } from "../conditions/index.ts";
import type { SelectorSpec } from "../schema/selector.ts";
import type { HookPoint, Selector } from "../selector-set.ts";
import { lowerAction } from "./actions.ts";
import type { ArgTable } from "./args.ts";
import { type Report, refuseOthers } from "./report.ts";

export type HookPlace = {
  readonly at: string;
  readonly on: HookPoint | undefined;
  readonly table: ArgTable;
};

/** One of a hook's selectors; what was refused in it is left out and reported. */
export function lowerSelector(report: Report, spec: SelectorSpec, place: HookPlace): Selector {
  const { at, table } = place;
  refuseOthers(report, spec, { at, known: ["matchActions", ...conditionSections] });
  const conditions = lowerConditions(report, spec, { at, table, policy: "TracingPolicy" });
  const actions = (spec.matchActions ?? [])
    .map((action, i) => lowerAction(report, action, { ...place, at: `${at}.matchActions[${i}]` }))
    .filter((action) => action !== undefined);
  return { conditions: canonicalConditions(conditions), actions };
}
