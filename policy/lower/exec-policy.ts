import type { ExecPolicy } from "../schema/exec-policy.ts";
import type { Hook, PolicyRef } from "../selector-set.ts";
import { exec, lowerExec } from "./hooks/exec.ts";
import { lowerLabelSelector, nodeLabels } from "./label-selector.ts";
import { type Lowered, lowered } from "./lowered.ts";
import { createReport, type Report, refuseOthers } from "./report.ts";
import { lowerScope, offHost } from "./scope.ts";

/** ExecPolicy or ExecPolicyNamespaced as a SelectorSet. */
export function lowerExecPolicy(policy: ExecPolicy, ref: PolicyRef): Lowered {
  const { spec } = policy;
  const report = createReport();
  const scopes = [
    "podSelector",
    "containerSelector",
    "nodeSelector",
    "hostSelector",
    "unknownPods",
  ];
  const known = [...scopes, "mode", "learn", exec.section];
  refuseOthers(report, spec, { at: "spec", known });
  const namespaced = ref.namespace !== undefined;
  const hooks = lowerExec(report, spec.rules, { at: `spec.${exec.section}`, namespaced });
  const learns = lowerLearn(report, spec);
  const scope = lowerScope(report, spec, { namespace: ref.namespace });
  const nodes = lowerLabelSelector(report, spec.nodeSelector, {
    at: "spec.nodeSelector",
    keys: nodeLabels,
  });
  const selectors = hooks.flatMap((hook) => hook.selectors);
  const isOffHost = selectors.every(({ conditions }) => !offHost(scope, conditions).host);
  return lowered(report, () => ({
    policy: ref,
    mode: spec.mode ?? "enforce",
    ...(nodes === undefined ? {} : { nodes }),
    scope: isOffHost ? { ...scope, host: false } : scope,
    ...(learns ? { learn: { others: othersOf(hooks) } } : {}),
    hooks,
  }));
}

/** The selector of the lists of programs that takes what they do not name: the last of the first of their hooks. */
function othersOf(hooks: readonly Hook[]): number {
  return hooks.find(({ on }) => on.kind === "lsm")!.selectors.length - 1;
}

/** Whether nodes are to collect what an allow-list does not name. */
function lowerLearn(report: Report, { learn, rules }: ExecPolicy["spec"]): boolean {
  if (learn === undefined) return false;
  if (rules.allow === undefined) {
    const fix = "write rules.allow, which may be an empty list; or remove learn";
    report.invalid("spec.learn", "is of an allow-list, and there is none", fix);
  }
  return true;
}
