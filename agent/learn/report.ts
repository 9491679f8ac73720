import type { NodeExecReport, PolicyExecReport, WorkloadExecReport } from "@guardbee/policy";
import { execReportBounds, type Pod } from "@guardbee/policy/sets";
import type { Coverage, LearningSet } from "./coverage.ts";
import { type Executables, keyOf } from "./executables.ts";

/** What a node reports. Lists are sorted, so that the same facts are the same report. */
export function execReport(
  sets: readonly LearningSet[],
  pods: readonly Pod[],
  { executables, coverage }: { readonly executables: Executables; readonly coverage: Coverage },
): NodeExecReport {
  const policies = sets.flatMap((set): readonly PolicyExecReport[] => {
    const since = coverage.since(set.name);
    if (since === undefined) return [];
    const workloads = workloadsOf(set, pods, { executables, coverage });
    if (workloads.length === 0) return []; // nothing of it is here
    const listed = workloads.slice(0, execReportBounds.workloads);
    const omitted = workloads.length - listed.length;
    return [
      {
        ...{ set: set.name, since, workloads: listed },
        ...(omitted === 0 ? {} : { workloadsOmitted: omitted }),
      },
    ];
  });
  policies.sort((a, b) => (a.set < b.set ? -1 : 1));
  return { policies: policies.slice(0, execReportBounds.policies) };
}

function workloadsOf(
  set: LearningSet,
  pods: readonly Pod[],
  { executables, coverage }: { readonly executables: Executables; readonly coverage: Coverage },
): readonly WorkloadExecReport[] {
  const found = new Map<string, WorkloadExecReport>();
  for (const { workload, ...counts } of coverage.of(set, pods)) {
    found.set(keyOf(workload), { ...workload, ...counts });
  }
  for (const { workload, executables: list, omitted } of executables.of(set.name)) {
    const key = keyOf(workload);
    found.set(key, {
      ...(found.get(key) ?? workload),
      ...(list.length === 0 ? {} : { executables: list }),
      ...(omitted === 0 ? {} : { omitted }),
    });
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, workload]) => workload);
}
