import type { LabelSelector, Scope, SelectorSet } from "@guardbee/policy";

import type { CgroupScope, Scopes } from "../kernel/engine.ts";
import type { CgroupTree, PodCgroup } from "./cgroups.ts";
import { matchesLabels } from "./match-labels.ts";
import type { Container, Pod } from "./pods.ts";
import { bareContainerId, imageRepo } from "./pods.ts";

/** Pods of this node and their cgroups, as known at one moment. */
export type NodeSnapshot = {
  readonly pods: readonly Pod[];
  readonly tree: CgroupTree;
};

type Named = { readonly name: string; readonly set: SelectorSet };
type PodScope = NonNullable<Scope["pods"]>;

/** The label by which a policy of any namespace may select pods by theirs (upstream's name). */
const NAMESPACE_LABEL = "k8s:io.kubernetes.pod.namespace";

/**
 * Which sets hold where on this node.
 *
 * A container that kubelet has not reported yet, and the sandbox, hold what needs no container
 * selector; a pod that is not known yet holds what every pod does. The agent's own pod, by uid in
 * `ownPodUid`, holds nothing: a policy that stopped the agent would also stop its own repair. Who
 * can run code in that pod is therefore outside every policy, as with any privileged pod that may
 * load BPF programs.
 */
export function resolveScopes(
  sets: readonly Named[],
  { pods, tree }: NodeSnapshot,
  ownPodUid?: string,
): Scopes {
  const forPods = sets.filter(({ set }) => set.scope.pods !== undefined);
  const everyPod = names(forPods.filter(({ set }) => isUnrestricted(set.scope.pods)));
  const byUid = new Map(pods.map((pod) => [pod.cgroupUid, pod]));
  return {
    host: names(sets.filter(({ set }) => set.scope.host)),
    podRoots: tree.roots.map(({ id }) => ({ id, sets: everyPod })),
    cgroups: tree.pods.flatMap((cgroup) => {
      const pod = byUid.get(cgroup.uid);
      if (pod === undefined) return everywhere(cgroup, everyPod);
      if (pod.uid === ownPodUid) return everywhere(cgroup, []);
      return scopesOfPod(cgroup, pod, forPods);
    }),
  };
}

/** Whether two scopes say the same; both sides come from `resolveScopes`. */
export function equalScopes(a: Scopes, b: Scopes): boolean {
  return (
    equalNames(a.host, b.host) &&
    equalCgroups(a.podRoots, b.podRoots) &&
    equalCgroups(a.cgroups, b.cgroups)
  );
}

function scopesOfPod(cgroup: PodCgroup, pod: Pod, sets: readonly Named[]): readonly CgroupScope[] {
  const selected = sets.filter(({ set }) => selectsPod(set.scope.pods, pod));
  const ofPod = names(selected.filter(({ set }) => selectsAll(set.scope.pods?.containers)));
  const containers = new Map(
    pod.containers.map((container) => [bareContainerId(container.running?.id ?? ""), container]),
  );
  return [
    ...[cgroup.id, ...cgroup.others].map((id) => ({ id, sets: ofPod })),
    ...cgroup.containers.flatMap(({ id, containerId, nested }) => {
      const container = containers.get(containerId);
      const held = container === undefined ? ofPod : setsOfContainer(container, selected);
      return [id, ...nested].map((each) => ({ id: each, sets: held }));
    }),
  ];
}

function setsOfContainer(container: Container, ofPod: readonly Named[]): readonly string[] {
  const labels = { name: container.name, repo: imageRepo(container.image) };
  return names(
    ofPod.filter(({ set }) => {
      const selector = set.scope.pods?.containers;
      return selector === undefined || matchesLabels(selector, labels);
    }),
  );
}

function selectsPod(scope: PodScope | undefined, pod: Pod): boolean {
  if (scope === undefined) return false;
  if (scope.namespaces !== undefined && !scope.namespaces.includes(pod.namespace)) return false;
  // The namespace comes last: a pod's own label of that name must not let it leave a policy.
  const labels = { ...pod.labels, [NAMESPACE_LABEL]: pod.namespace };
  return scope.labels === undefined || matchesLabels(scope.labels, labels);
}

function isUnrestricted(scope: PodScope | undefined): boolean {
  return (
    scope !== undefined &&
    scope.namespaces === undefined &&
    selectsAll(scope.labels) &&
    selectsAll(scope.containers)
  );
}

function selectsAll(selector: LabelSelector | undefined): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}

function everywhere(cgroup: PodCgroup, sets: readonly string[]): readonly CgroupScope[] {
  const inContainers = cgroup.containers.flatMap(({ id, nested }) => [id, ...nested]);
  return [cgroup.id, ...cgroup.others, ...inContainers].map((id) => ({ id, sets }));
}

function names(sets: readonly Named[]): readonly string[] {
  return sets.map(({ name }) => name).sort();
}

function equalNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index]);
}

function equalCgroups(a: readonly CgroupScope[], b: readonly CgroupScope[]): boolean {
  if (a.length !== b.length) return false;
  const byId = new Map(b.map(({ id, sets }) => [id, sets]));
  return a.every(({ id, sets }) => equalNames(sets, byId.get(id) ?? ["\0"]));
}
