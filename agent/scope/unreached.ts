import { type Pod, setsIn, stopsFollowed } from "@guardbee/policy/sets";

import type { NamedSet, Scopes, Unfollowed, UnhookedFile } from "../engine.ts";
import type { NodeSnapshot } from "./resolve.ts";

/** Why a set does not hold in some pods that it selects, or not as it is written. */
export type Unreached = {
  readonly reason: "CgroupNotFound" | "CgroupNotAssigned" | "FilesNotFollowed" | "FilesNotHooked";
  readonly message: string;
};

export type ReachFacts = {
  /** What the kernel was told to hold, and where. */
  readonly sets: readonly NamedSet[];
  readonly scopes: Scopes;
  readonly snapshot: NodeSnapshot;
  /** Pods that run and whose cgroup was not found. */
  readonly missing: readonly Pod[];
  /** Cgroups of which the kernel's table took no class, and why. */
  readonly unassigned: ReadonlyMap<bigint, string>;
  /** Pods with files that were to be followed and lately could not be. */
  readonly unfollowed: ReadonlyMap<bigint, Unfollowed>;
  /** Hooks on programs that see nothing where the program is. */
  readonly unhooked: readonly UnhookedFile[];
};

/** By name, the sets that are in the kernel and do not hold in every pod where they should. Pure. */
export function unreachedSets(facts: ReachFacts): ReadonlyMap<string, Unreached> {
  return new Map([
    ...[...unhookingSets(facts), ...unfollowingSets(facts)],
    ...[...unassignedSets(facts), ...unfoundSets(facts)],
  ]);
}

function unfoundSets({ sets, snapshot, missing }: ReachFacts): readonly [string, Unreached][] {
  const pods = new Map<string, string[]>();
  for (const pod of missing) {
    const its = [undefined, ...pod.containers].flatMap((one) => setsIn(sets, pod, one));
    for (const name of new Set(its)) add(pods, name, nameOf(pod));
  }
  const where =
    snapshot.tree.roots.length === 0
      ? "no kubepods folder was found below the cgroup root"
      : "their cgroups were not found below kubepods";
  const fix = "check kubelet's --cgroup-root, and that the agent's --cgroup-root is the host's";
  return [...pods].map(([name, names]) => {
    const message = `it does not hold in ${listed(names)}: ${where}; ${fix}`;
    return [name, { reason: "CgroupNotFound", message }];
  });
}

function unassignedSets(facts: ReachFacts): readonly [string, Unreached][] {
  const { scopes, snapshot, unassigned } = facts;
  if (unassigned.size === 0) return [];
  const owners = ownersIn(snapshot);
  const pods = new Map<string, string[]>();
  const ofRoots = scopes.podRoots.map(({ id }) => ({ id, sets: scopes.unknownPods }));
  for (const { id, sets } of [...ofRoots, ...scopes.cgroups]) {
    if (!unassigned.has(id)) continue;
    for (const name of sets) add(pods, name, owners.get(id) ?? "pods that are to come");
  }
  const [why] = unassigned.values();
  return [...pods].map(([name, names]) => {
    const message = `it does not hold in ${listed(names)}: the kernel's table of cgroups takes no more (${why}); it is tried again`;
    return [name, { reason: "CgroupNotAssigned", message }];
  });
}

function unfollowingSets(facts: ReachFacts): readonly [string, Unreached][] {
  const { sets, snapshot, unfollowed } = facts;
  if (unfollowed.size === 0) return [];
  const owners = ownersIn(snapshot);
  const nameOfPod = (id: bigint) =>
    id === 0n ? "processes outside of pods" : (owners.get(id) ?? "a pod that is not known");
  return sets.flatMap((set): [string, Unreached][] => {
    const its = [...unfollowed].filter(([, one]) => one.sets.includes(set.name));
    if (its.length === 0) return [];
    const why = [
      ...(its.some(([, { overShare }]) => overShare > 0)
        ? ["a pod may have no more of them open (--followed-files-per-pod)"]
        : []),
      ...(its.some(([, { overTable }]) => overTable > 0)
        ? ["the node's table of them (map followed) is full"]
        : []),
    ].join(", and ");
    const end =
      set.set.mode === "enforce" && stopsFollowed(set.set)
        ? "what opened them was stopped"
        : "calls on them are not seen";
    const where = listed(its.map(([id]) => nameOfPod(id)));
    const message = `files could not be followed in ${where}: ${why}; ${end}`;
    return [[set.name, { reason: "FilesNotFollowed", message }]];
  });
}

function unhookingSets({ snapshot, unhooked }: ReachFacts): readonly [string, Unreached][] {
  if (unhooked.length === 0) return [];
  const owners = ownersIn(snapshot);
  return [...Map.groupBy(unhooked, ({ set }) => set)].map(([name, its]) => {
    const where = its.map(({ cgroup }) =>
      cgroup === 0n ? "processes outside of pods" : (owners.get(cgroup) ?? "a pod that is gone"),
    );
    const message = `calls are not seen in ${listed(where)}: ${its[0]!.message}`;
    return [name, { reason: "FilesNotHooked", message }];
  });
}

/** Names of pods by each of their cgroups. */
function ownersIn({ pods, tree }: NodeSnapshot): ReadonlyMap<bigint, string> {
  const byUid = new Map(pods.map((pod) => [pod.cgroupUid, pod]));
  const owners = new Map<bigint, string>();
  for (const { id, uid, containers } of tree.pods) {
    const pod = byUid.get(uid);
    const owner = pod === undefined ? `pod ${uid}` : nameOf(pod);
    for (const each of [id, ...containers.map((one) => one.id)]) owners.set(each, owner);
  }
  return owners;
}

function add(all: Map<string, string[]>, key: string, value: string): void {
  all.set(key, [...(all.get(key) ?? []), value]);
}

function nameOf({ namespace, name }: Pod): string {
  return `${namespace}/${name}`;
}

const NAMES_MAX = 5;

function listed(names: readonly string[]): string {
  const sorted = [...new Set(names)].sort();
  const more = sorted.length - NAMES_MAX;
  const shown = sorted.slice(0, NAMES_MAX).join(", ");
  return more > 0 ? `${shown} +${more} more` : shown;
}
