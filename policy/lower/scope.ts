import { conditionKind } from "../conditions/index.ts";
import type { LabelSelectorSpec } from "../schema/label-selector.ts";
import type { Condition, Scope } from "../selector-set.ts";
import { containerLabels, lowerLabelSelector, podLabels } from "./label-selector.ts";
import type { Report } from "./report.ts";

type Selectors = {
  readonly podSelector?: LabelSelectorSpec | undefined;
  readonly containerSelector?: LabelSelectorSpec | undefined;
  readonly hostSelector?: LabelSelectorSpec | undefined;
  readonly unknownPods?: "Allow" | "Deny" | undefined;
};

/**
 * Where a policy holds. Upstream's rules: a cluster policy without any selector holds everywhere;
 * one with a pod or container selector for pods only; with hostSelector for the host too, or for
 * the host alone; a namespaced one never leaves the pods of its namespace. One that selects may ask
 * to hold where it is not known yet whether it does.
 */
export function lowerScope(
  report: Report,
  spec: Selectors,
  { namespace, at = "spec" }: { readonly namespace: string | undefined; readonly at?: string },
): Scope {
  if (namespace !== undefined && spec.hostSelector !== undefined) {
    const fix = "remove it: a namespaced policy holds only for the pods of its namespace";
    report.invalid(`${at}.hostSelector`, "is given in a namespaced policy", fix);
  }
  const selectsPods = spec.podSelector !== undefined || spec.containerSelector !== undefined;
  const selectsHost = spec.hostSelector !== undefined;
  const labels = lowerLabelSelector(report, spec.podSelector, {
    at: `${at}.podSelector`,
    keys: podLabels,
  });
  const containers = lowerLabelSelector(report, spec.containerSelector, {
    at: `${at}.containerSelector`,
    keys: containerLabels,
  });
  const selects = [namespace, labels, containers].some((one) => one !== undefined);
  const isDoubtful = selects && spec.unknownPods === "Deny";
  const pods = {
    ...(namespace === undefined ? {} : { namespaces: [namespace] }),
    ...(labels === undefined ? {} : { labels }),
    ...(containers === undefined ? {} : { containers }),
    ...(isDoubtful ? ({ unknown: "Deny" } as const) : {}),
  };
  if (namespace !== undefined) return { host: false, pods };
  if (selectsPods) return { host: selectsHost, pods };
  return selectsHost ? { host: true } : { host: true, pods };
}

/**
 * `scope` without the host where one of `conditions`, which are all ANDed, is met by no process of the
 * host: in its own pid namespace such a process has the pid 0, as upstream counts. Kubelet, container
 * runtime and agent are then out of the policy's scope, and not only out of its conditions.
 */
export function offHost(scope: Scope, conditions: readonly Condition[]): Scope {
  return conditions.some((one) => conditionKind(one.by).excludesHost?.(one))
    ? { ...scope, host: false }
    : scope;
}
