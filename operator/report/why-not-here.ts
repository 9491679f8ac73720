import { matchesLabels, type Pod, type Scope, type SelectorSet } from "@guardbee/policy";
import type { NodeEntry } from "../fleet/objects.ts";
import { containersIn } from "./containers-in.ts";
import { describeLabels, describeScope } from "./describe-set.ts";

export type PodPlace = {
  readonly pod: Pod;
  readonly node: NodeEntry | undefined;
  /** The node has been told about the policy. */
  readonly isListed: boolean;
  /** The wave of a roll-out that brings this version has not come to the node. */
  readonly waits: boolean;
};

/** The first restriction that leaves a pod out of a policy's newest version. */
export function whyNotHere(set: SelectorSet, { pod, node, isListed, waits }: PodPlace): string {
  if (node !== undefined && !matchesLabels(set.nodes, node.labels)) {
    return `it selects nodes with ${describeLabels(set.nodes ?? {})}`;
  }
  const { pods } = set.scope;
  if (pods === undefined) return "it holds for no pods";
  const { containers, ...ofPod } = pods;
  const [first] = pod.containers;
  const alone = (scope: Scope["pods"]) =>
    containersIn({ ...set, scope: { host: false, ...(scope && { pods: scope }) } }, pod).length > 0;
  for (const key of ["namespaces", "labels"] as const) {
    const one = ofPod[key];
    if (one !== undefined && first !== undefined && !alone({ [key]: one })) {
      return `it selects ${describeScope({ host: false, pods: { [key]: one } })}`;
    }
  }
  if (containers !== undefined && !alone({ containers })) {
    return `it selects containers with ${describeLabels(containers)}`;
  }
  if (!isListed) return "the node has not been told about it";
  if (waits) return "its wave of the roll-out has not come";
  return pod.finished ? "the pod has ended" : "no policy holds for this pod";
}
