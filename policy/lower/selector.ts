import type { SelectorSpec } from "../schema/tracing-policy.ts";
import type { Condition, HookPoint, Selector } from "../selector-set.ts";
import { lowerAction } from "./actions.ts";
import { lowerArgCondition } from "./arg-condition.ts";
import type { ArgTable } from "./args.ts";
import { byCodePoint, canonicalJson } from "./canonical.ts";
import {
  lowerBinary,
  lowerCapability,
  lowerPid,
  type UserNamespaces,
} from "./process-conditions.ts";
import { type Report, refuseOthers } from "./report.ts";

/** Upstream: a "namespace capability" must be held in a user namespace other than the host's. */
const userNamespaces: UserNamespaces = { true: "nested", false: "any" };

export type HookPlace = {
  readonly at: string;
  readonly on: HookPoint | undefined;
  readonly table: ArgTable;
};

/** One of a hook's selectors; what was refused in it is left out and reported. */
export function lowerSelector(report: Report, spec: SelectorSpec, place: HookPlace): Selector {
  const { at, table } = place;
  const known = ["matchActions", "matchArgs", "matchBinaries", "matchCapabilities", "matchPIDs"];
  refuseOthers(report, spec, { at, known });
  const conditions = [
    ...(spec.matchPIDs ?? []).map((match, i) => lowerPid(report, match, `${at}.matchPIDs[${i}]`)),
    ...(spec.matchBinaries ?? []).map((match, i) =>
      lowerBinary(report, match, `${at}.matchBinaries[${i}]`),
    ),
    ...(spec.matchCapabilities ?? []).map((match, i) =>
      lowerCapability(report, match, { at: `${at}.matchCapabilities[${i}]`, userNamespaces }),
    ),
    ...(spec.matchArgs ?? []).map((match, i) =>
      lowerArgCondition(report, match, { at: `${at}.matchArgs[${i}]`, table }),
    ),
  ].filter((condition) => condition !== undefined);
  const actions = (spec.matchActions ?? [])
    .map((action, i) => lowerAction(report, action, { ...place, at: `${at}.matchActions[${i}]` }))
    .filter((action) => action !== undefined);
  return { conditions: canonicalConditions(conditions), actions };
}

/** AND knows no order and no repetition: sorted by dimension, then content, each once. */
export function canonicalConditions(conditions: readonly Condition[]): readonly Condition[] {
  const byText = new Map(conditions.map((condition) => [canonicalJson(condition), condition]));
  const rank = ["pid", "binary", "capability", "arg"];
  return [...byText]
    .sort(([textA, a], [textB, b]) => {
      const dimension = rank.indexOf(a.by) - rank.indexOf(b.by);
      return dimension !== 0 ? dimension : byCodePoint(textA, textB);
    })
    .map(([, condition]) => condition);
}
