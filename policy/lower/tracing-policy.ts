import {
  hookSections,
  type TracingPolicy,
  type TracingPolicySpec,
} from "../schema/tracing-policy.ts";
import type { PolicyRef } from "../selector-set.ts";
import { checkActions, type PlacedHook } from "./check-actions.ts";
import { lowerEnforcers } from "./enforcers.ts";
import { loweredSections } from "./hooks/index.ts";
import type { HookPlace } from "./hooks/kind.ts";
import { lowerLabelSelector, nodeLabels } from "./label-selector.ts";
import { lowerLists } from "./lists.ts";
import { type Lowered, lowered } from "./lowered.ts";
import { withMacros } from "./macros.ts";
import { lowerOptions } from "./options.ts";
import { createReport, type Report, refuseOthers } from "./report.ts";
import { lowerScope } from "./scope.ts";

/** TracingPolicy or TracingPolicyNamespaced as a SelectorSet. */
export function lowerTracingPolicy(policy: TracingPolicy, ref: PolicyRef): Lowered {
  const report = createReport();
  const spec = withMacros(report, policy.spec);
  refuseOthers(report, spec, { at: "spec", known: supportedSections });
  checkHookSections(report, spec);
  const scope = lowerScope(report, spec, { namespace: ref.namespace });
  const mode = lowerOptions(report, spec.options);
  const nodes = lowerLabelSelector(report, spec.nodeSelector, {
    at: "spec.nodeSelector",
    keys: nodeLabels,
  });
  const lists = lowerLists(report, spec.lists ?? [], "spec.lists");
  const placed = lowerHooks(report, spec, { namespaced: ref.namespace !== undefined, lists });
  const enforcers = lowerEnforcers(report, spec.enforcers ?? [], {
    ...{ namespaced: ref.namespace !== undefined, lists, others: placed },
  });
  if (report.problems.length === 0) checkActions(report, placed);
  return lowered(report, () => ({
    policy: ref,
    mode,
    ...(nodes === undefined ? {} : { nodes }),
    scope,
    hooks: [...placed, ...enforcers].map(({ hook }) => hook),
  }));
}

const supportedSections = [
  ...[
    ...loweredSections.keys(),
    "enforcers",
    "lists",
    "options",
    "selectorsMacros",
    "nodeSelector",
  ],
  ...["podSelector", "containerSelector", "hostSelector", "unknownPods"],
];
function checkHookSections(report: Report, spec: TracingPolicySpec): void {
  const used = hookSections.filter((section) => (spec[section] ?? []).length > 0);
  if (used.length > 1) {
    const fix = "write a policy for each: one policy has hooks of one kind";
    report.invalid("spec", `has ${used.join(" and ")}`, fix);
  }
  if (used.length > 0 || spec.loader === true) return;
  const empty = hookSections.find((section) => spec[section] !== undefined);
  const field = empty === undefined ? "spec" : `spec.${empty}`;
  const fix = `add an entry to ${[...loweredSections.keys()].join(" or ")}`;
  report.invalid(field, "is empty: there is nothing to hook", fix);
}

/** What could be lowered, and where the policy has it. */
function lowerHooks(
  report: Report,
  spec: TracingPolicySpec,
  of: Omit<HookPlace, "at">,
): readonly PlacedHook[] {
  return hookSections.flatMap((section) => {
    const kind = loweredSections.get(section);
    if (kind === undefined) return []; // refused with the fields of spec
    const entries: readonly unknown[] = spec[section] ?? [];
    return entries.flatMap((entry, i): readonly PlacedHook[] => {
      const at = `spec.${section}[${i}]`;
      return kind.lower(report, entry, { ...of, at }).map((hook) => ({ at, section, hook }));
    });
  });
}
