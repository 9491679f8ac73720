import { isDeepStrictEqual } from "node:util";
import type { Scope, SelectorSet } from "@guardbee/policy";
import { bareContainerId, namesIn, type Pod, podPlace } from "@guardbee/policy/sets";

import type { CgroupScope, Scopes } from "../engine.ts";
import type { CgroupTree, ContainerCgroup, PodCgroup } from "./cgroups.ts";

/** Pods of this node and their cgroups, as known at one moment. */
export type NodeSnapshot = {
  readonly pods: readonly Pod[];
  readonly tree: CgroupTree;
};

type Named = { readonly name: string; readonly set: SelectorSet };

/**
 * Which sets hold where on this node. Cgroups that a container made, and others below a pod, are not
 * listed: the kernel looks for the nearest above that is.
 *
 * A container is known when kubelet has reported it, or its runtime says which it is. Until then, as
 * the sandbox, it holds what needs no container selector; a pod that is not known yet holds what every
 * pod does. Both hold besides what asks to hold meanwhile and may be meant for them. The agent's own
 * pod, by uid in `ownPodUid`, holds nothing: a policy that stopped the agent would also stop its own
 * repair. Who can run code in that pod is therefore outside every policy, as with any privileged pod
 * that may load BPF programs.
 */
export function resolveScopes(
  sets: readonly Named[],
  { pods, tree }: NodeSnapshot,
  ownPodUid?: string,
): Scopes {
  const forPods = sets.filter(({ set }) => set.scope.pods !== undefined);
  const unknownPods = namesIn(forPods, podPlace({}, "unknown"));
  const byUid = new Map(pods.map((pod) => [pod.cgroupUid, pod]));
  return {
    host: namesIn(sets, { kind: "host" }),
    podRoots: tree.roots.map(({ id, level, qosFolders }) => ({
      ...{ id, qosFolders },
      ...(level === undefined ? {} : { level }),
    })),
    unknownPods,
    cgroups: tree.pods.flatMap((cgroup) => {
      const pod = byUid.get(cgroup.uid);
      if ([cgroup.uid, pod?.uid].includes(ownPodUid ?? "")) return everywhere(cgroup, []);
      if (pod === undefined) return scopesOfUnknown(cgroup, forPods);
      return scopesOfPod(cgroup, pod, forPods);
    }),
  };
}

/** Whether two scopes say the same; both sides come from `resolveScopes`. */
export function equalScopes(a: Scopes, b: Scopes): boolean {
  return (
    equalNames(a.host, b.host) &&
    equalNames(a.unknownPods, b.unknownPods) &&
    isDeepStrictEqual(a.podRoots, b.podRoots) &&
    equalCgroups(a.cgroups, b.cgroups)
  );
}

function scopesOfPod(cgroup: PodCgroup, pod: Pod, sets: readonly Named[]): readonly CgroupScope[] {
  return [
    { id: cgroup.id, sets: namesIn(sets, podPlace(pod, "unknown")) },
    ...cgroup.containers.map((container) => ({
      id: container.id,
      sets: namesIn(sets, podPlace(pod, containerOf(pod, container))),
    })),
  ];
}

/** undefined: none of its spec. */
function containerOf({ containers }: Pod, { containerId, runtime }: ContainerCgroup) {
  const reported = containers.find(
    ({ running }) => bareContainerId(running?.id ?? "") === containerId,
  );
  if (reported !== undefined) return reported;
  if (runtime === undefined) return "unknown";
  if (runtime.name === undefined) return undefined;
  const named = containers.find(({ name }) => name === runtime.name);
  return named === undefined ? "unknown" : { name: named.name, image: named.image };
}

/** Of a pod that is not known its runtime may say the namespace. */
function scopesOfUnknown(cgroup: PodCgroup, sets: readonly Named[]): readonly CgroupScope[] {
  const said = cgroup.containers.find(({ runtime }) => runtime !== undefined)?.runtime;
  const pod = said === undefined ? {} : { namespace: said.namespace };
  return everywhere(cgroup, namesIn(sets, podPlace(pod, "unknown")));
}

/** Whether it holds in pods whatever their namespace, labels and containers, and so before they are known. */
export function holdsInEveryPod({ pods }: Scope): boolean {
  const { unknown: _, ...restrictions } = pods ?? {};
  return pods !== undefined && Object.values(restrictions).every((one) => one === undefined);
}

function everywhere(cgroup: PodCgroup, sets: readonly string[]): readonly CgroupScope[] {
  return [cgroup, ...cgroup.containers].map(({ id }) => ({ id, sets }));
}

function equalNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index]);
}

function equalCgroups(a: readonly CgroupScope[], b: readonly CgroupScope[]): boolean {
  if (a.length !== b.length) return false;
  const byId = new Map(b.map(({ id, sets }) => [id, sets]));
  return a.every(({ id, sets }) => equalNames(sets, byId.get(id) ?? ["\0"]));
}
