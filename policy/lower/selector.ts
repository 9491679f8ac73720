import { lowerAction } from "../actions/index.ts";
import type { ActionPlace } from "../actions/kind.ts";
import { canonicalConditions, conditionSections, lowerConditions } from "../conditions/index.ts";
import type { Returned } from "../returned.ts";
import type { SelectorSpec } from "../schema/selector.ts";
import type { Action, Scope, Selector } from "../selector-set.ts";
import { lowerCelExprs } from "./cel-exprs.ts";
import { type Report, refuseOthers } from "./report.ts";
import { lowerReturnedConditions } from "./returned.ts";
import { lowerScope } from "./scope.ts";

type SelectorPlace = ActionPlace & { readonly returned: Returned | undefined };

/** One of a hook's selectors; what was refused in it is left out and reported. */
export function lowerSelector(report: Report, spec: SelectorSpec, place: SelectorPlace): Selector {
  const { at, table, returned: of } = place;
  refuseOthers(report, spec, {
    at,
    known: [...others, ...conditionSections],
  });
  const { matchArgs = [] } = spec;
  const conditions = [
    ...lowerConditions(report, spec, { at, table, policy: "TracingPolicy" }),
    ...lowerCelExprs(report, matchArgs, { at: `${at}.matchArgs`, table }),
  ];
  const actions = (spec.matchActions ?? [])
    .map((action, i) => lowerAction(report, action, { ...place, at: `${at}.matchActions[${i}]` }))
    .filter((action) => action !== undefined);
  const matches = spec.matchReturnArgs ?? [];
  const returned = lowerReturnedConditions(report, matches, {
    ...{ at: `${at}.matchReturnArgs`, returned: of },
  });
  const returnActions = lowerReturnActions(report, spec, place);
  const workloads = lowerWorkloads(report, spec, place);
  return {
    conditions: canonicalConditions(conditions),
    ...(workloads === undefined ? {} : { workloads }),
    actions,
    ...(returned.length > 0 ? { returned } : {}),
    ...(returnActions.length > 0 ? { returnActions } : {}),
  };
}

const others = ["matchActions", "matchReturnActions", "matchReturnArgs", "matchWorkloads"];

/** Where it matches; undefined: wherever the policy holds. Nothing selected there is everything. */
function lowerWorkloads(
  report: Report,
  { matchWorkloads: spec }: SelectorSpec,
  { at, namespaced }: SelectorPlace,
): Scope | undefined {
  if (spec === undefined) return undefined;
  const place = `${at}.matchWorkloads`;
  if (namespaced && spec.hostSelector !== undefined) {
    const fix = "remove it: a namespaced policy holds only for the pods of its namespace";
    report.invalid(`${place}.hostSelector`, "is given in a namespaced policy", fix);
  }
  const scope = lowerScope(report, spec, { namespace: undefined, at: place });
  const { labels, containers } = scope.pods ?? {};
  const isEverywhere = scope.host && scope.pods !== undefined && !labels && !containers;
  return isEverywhere ? undefined : scope;
}

function lowerReturnActions(
  report: Report,
  { matchReturnActions: specs = [] }: SelectorSpec,
  place: SelectorPlace,
): readonly Action[] {
  const at = `${place.at}.matchReturnActions`;
  if (specs.length > 0 && place.returned === undefined) {
    const fix = "add return: true and returnArg to the hook, or write matchActions";
    report.invalid(at, "acts on a return that the hook does not see", fix);
  }
  return specs
    .map((spec, i) =>
      lowerAction(report, spec, { ...place, at: `${at}[${i}]`, whenReturned: true }),
    )
    .filter((action) => action !== undefined);
}
