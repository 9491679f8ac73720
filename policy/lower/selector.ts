import { lowerAction } from "../actions/index.ts";
import type { ActionPlace } from "../actions/kind.ts";
import { canonicalConditions, conditionSections, lowerConditions } from "../conditions/index.ts";
import type { Returned } from "../returned.ts";
import type { SelectorSpec } from "../schema/selector.ts";
import type { Selector } from "../selector-set.ts";
import { type Report, refuseOthers } from "./report.ts";
import { lowerReturnedConditions } from "./returned.ts";

type SelectorPlace = ActionPlace & { readonly returned: Returned | undefined };

/** One of a hook's selectors; what was refused in it is left out and reported. */
export function lowerSelector(report: Report, spec: SelectorSpec, place: SelectorPlace): Selector {
  const { at, table, returned: of } = place;
  refuseOthers(report, spec, {
    at,
    known: ["matchActions", "matchReturnArgs", ...conditionSections],
  });
  const conditions = lowerConditions(report, spec, { at, table, policy: "TracingPolicy" });
  const actions = (spec.matchActions ?? [])
    .map((action, i) => lowerAction(report, action, { ...place, at: `${at}.matchActions[${i}]` }))
    .filter((action) => action !== undefined);
  const matches = spec.matchReturnArgs ?? [];
  const returned = lowerReturnedConditions(report, matches, {
    ...{ at: `${at}.matchReturnArgs`, returned: of },
  });
  return {
    ...{ conditions: canonicalConditions(conditions), actions },
    ...(returned.length > 0 ? { returned } : {}),
  };
}
