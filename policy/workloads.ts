import { inScope, type Place } from "./decide/in-scope.ts";
import { canonicalJson } from "./lower/canonical.ts";
import type { Scope, SelectorSet } from "./selector-set.ts";

type Named = { readonly name: string; readonly set: SelectorSet };

/** What stands for a selector's workloads beside the names of sets: it holds where those are. */
export function workloadsName(set: string, workloads: Scope): string {
  return `${set} ${canonicalJson(workloads)}`;
}

/** The sets that hold there, and of their selectors' workloads those that are there; sorted. */
export function namesIn(sets: readonly Named[], place: Place): readonly string[] {
  return sets
    .filter(({ set }) => inScope(set.scope, place))
    .flatMap(({ name, set }) => [
      name,
      ...workloadsOf(set)
        .filter((workloads) => inScope(asDoubtful(workloads, set.scope), place))
        .map((workloads) => workloadsName(name, workloads)),
    ])
    .sort();
}

/** Each that some selector has, once. */
export function workloadsOf({ hooks }: SelectorSet): readonly Scope[] {
  const all = hooks
    .flatMap(({ selectors }) => selectors)
    .flatMap(({ workloads }) => (workloads === undefined ? [] : [workloads]));
  return [...new Map(all.map((one) => [canonicalJson(one), one])).values()];
}

/** Where it is not known yet, a selector holds if the whole policy asks to. */
function asDoubtful(workloads: Scope, { pods }: Scope): Scope {
  if (workloads.pods === undefined || pods?.unknown === undefined) return workloads;
  return { ...workloads, pods: { ...workloads.pods, unknown: pods.unknown } };
}
