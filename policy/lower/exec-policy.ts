import type { ExecPolicy } from "../schema/exec-policy.ts";
import type { PolicyRef } from "../selector-set.ts";
import { learnedSelectors } from "./exec-rules.ts";
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
  const learns = lowerLearn(report, spec);
  const at = `spec.${exec.section}`;
  const hooks = lowerExec(report, spec.rules, { at, namespaced, learns });
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
    ...(learns ? { learn: learnedSelectors(hooks) } : {}),
    hooks,
  }));
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
