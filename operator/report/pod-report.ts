import type { KubeObject } from "@guardbee/kube";
import { isRegoSet, type Mode, type Pod, type SelectorSet } from "@guardbee/policy";
import { hashFor, isInWave, type NodeEntry, projectNode, projectSet } from "../fleet/objects.ts";
import { containersIn } from "./containers-in.ts";
import { describeScope } from "./describe-set.ts";
import { stateOn } from "./node-report.ts";
import { type Held, NodeVersions } from "./node-versions.ts";
import { policyTitle } from "./policy-title.ts";
import { whyNotHere } from "./why-not-here.ts";

/** One policy as it concerns one pod. */
export type PodPolicy = {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  /** The RegoPolicy that generated it. */
  readonly generatedBy?: string;
  readonly selectorSet: string;
  readonly mode: Mode;
  /** What selects the pod. */
  readonly selector: string;
  /**
   * What this is about: the version that the node is to hold now, or one before it, which the node
   * holds or may hold instead.
   */
  readonly version: "current" | "before";
  /** Whether the node's kernel holds this version; unknown: the node's report does not tell. */
  readonly inForce: "yes" | "no" | "unknown";
  /** How the node stands with the version that it is to hold now. */
  readonly state: "programmed" | "failed" | "pending" | "waiting" | "unreachable";
  readonly message?: string;
  /** Names of containers in which it holds. */
  readonly containers: readonly string[];
};

export type PodReport = {
  readonly namespace: string;
  readonly name: string;
  readonly node?: string;
  /** The node may hold more for the pod than can be told. */
  readonly unknown: boolean;
  /** Why nothing can hold, or what else to know. */
  readonly notes: readonly string[];
  readonly policies: readonly PodPolicy[];
  /** Policies that do not hold here, and why; only where asked for. */
  readonly others?: readonly { readonly policy: string; readonly why: string }[];
};

export type PodFacts = {
  readonly pod: Pod;
  readonly node: string | undefined;
  readonly nodeObject: KubeObject | undefined;
  readonly nodePolicySet: KubeObject | undefined;
  readonly selectorSets: readonly KubeObject[];
  /** An agent's own pod, for which no policy holds. */
  readonly isAgent: boolean;
};

/** One policy of one version of a SelectorSet object. */
type Candidate = Pick<PodPolicy, "version" | "inForce"> & { readonly set: SelectorSet };

/** Which policies hold for a pod: those that its node holds now, by the scopes its agent applies. Pure. */
export function reportPod(facts: PodFacts, show: { readonly others: boolean }): PodReport {
  const { pod, selectorSets, isAgent } = facts;
  const node = facts.nodeObject && projectNode(facts.nodeObject);
  const objects = new Map(selectorSets.map((raw) => [raw.metadata.name, raw]));
  const versions = new NodeVersions(facts.node ?? "", facts.nodePolicySet, objects);
  const names = [...objects.keys()].filter((name) => versions.isListed(name));
  const over = isAgent || pod.finished;
  const policies = over
    ? []
    : names.flatMap((name) => {
        const rows = candidates(name, versions).flatMap(({ set, version, inForce }) => {
          const containers = containersIn(set, pod);
          if (containers.length === 0) return [];
          const { mode, scope } = set;
          const about = { selectorSet: name, mode, selector: describeScope(scope) };
          return [{ ...identityOf(name, set), ...about, version, inForce, containers }];
        });
        const state = stateHere(name, versions, { node, object: objects.get(name)! });
        return rows.map((row) => ({ ...row, ...state }));
      });
  return {
    namespace: pod.namespace,
    name: pod.name,
    ...(facts.node === undefined ? {} : { node: facts.node }),
    unknown: !over && isUnknown(names, versions),
    notes: [...notesOn(facts, versions), ...names.flatMap((name) => unread(name, versions))],
    policies,
    ...(show.others ? { others: whyNot(objects.keys(), policies, { pod, versions, node }) } : {}),
  };
}

/**
 * What to look for the pod in, of one object: what the node holds; what it is to hold instead, when
 * that does not hold; and every version that is stored, when nobody can tell which one it holds.
 */
function candidates(name: string, versions: NodeVersions): readonly Candidate[] {
  const wanted = versions.wanted(name);
  const held = versions.held(name);
  const of = (hash: string, inForce: PodPolicy["inForce"]) => (set: SelectorSet) => {
    const version = hash === wanted.hash ? "current" : "before";
    return { set, version, inForce } as const;
  };
  const setsOf = ({ sets }: { readonly sets: readonly { readonly set: SelectorSet }[] }) =>
    sets.map(({ set }) => set);
  const next = "sets" in wanted ? setsOf(wanted) : [];
  switch (held.kind) {
    case "version": {
      const { hash } = held.version;
      const holds = setsOf(held.version).map(of(hash, "yes"));
      return hash === wanted.hash ? holds : [...holds, ...next.map(of(wanted.hash, "no"))];
    }
    case "nothing":
      return next.map(of(wanted.hash, "no"));
    case "other":
      return next.map(of(wanted.hash, "no"));
    case "unknown":
      return versions.stored(name).flatMap((one) => setsOf(one).map(of(one.hash, "unknown")));
  }
}

type Here = { readonly node: NodeEntry | undefined; readonly object: KubeObject };

/** How the node stands with the version of an object that it is to hold now. */
function stateHere(
  name: string,
  versions: NodeVersions,
  { node, object }: Here,
): Pick<PodPolicy, "state" | "message"> {
  const set = projectSet(object);
  if (node === undefined) return { state: "unreachable" };
  const state = stateOn(node, versions.entry, versions.holdings, set);
  const hash = hashFor(set, node.name);
  const exception = versions.entry?.report?.exceptions.find(
    (one) => one.set === name && one.hash === hash,
  );
  if (state === "programmed" && !isInWave(name, set.rollout, node.name)) {
    return { state: "waiting", message: "its wave of the roll-out has not come" };
  }
  if (state === "programmed" || exception === undefined) return { state };
  return { state, message: `${exception.reason}: ${exception.message}` };
}

/** An agent that lost its NodePolicySet, or its status, goes on with what it holds. */
function isUnknown(names: readonly string[], versions: NodeVersions): boolean {
  if (versions.entry === undefined) return true;
  return names.some((name) => ["unknown", "other"].includes(versions.held(name).kind));
}

/** What of an object cannot be shown: a version that is not stored, or that no agent takes. */
function unread(name: string, versions: NodeVersions): readonly string[] {
  const wanted = versions.wanted(name);
  const notes: string[] = [];
  if ("message" in wanted)
    notes.push(`${name}: the node cannot hold what is stored: ${wanted.message}`);
  const held: Held = versions.held(name);
  if (held.kind === "other") {
    const which = `version ${held.hash.slice(0, 12)}`;
    notes.push(`${name}: the node still holds ${which}, which is stored nowhere any more`);
  }
  return notes;
}

function notesOn(facts: PodFacts, { entry, holdings }: NodeVersions): readonly string[] {
  const { pod, node, nodeObject, isAgent } = facts;
  const notes: string[] = [];
  if (isAgent) notes.push("this is an agent's own pod: no policy holds for it");
  if (pod.finished) notes.push("it has ended: nothing of it runs any more");
  if (node === undefined) {
    notes.push("policies that select nodes are known once it is on one");
    return notes;
  }
  if (nodeObject === undefined) notes.push(`node ${node} is gone`);
  else if (entry === undefined) notes.push(`the operator has not told node ${node} anything yet`);
  else if (entry.report?.digest === undefined) notes.push(`node ${node} has never reported`);
  else if (holdings === undefined) {
    notes.push(`what node ${node} holds is not known until it reports again: its report is old`);
  }
  return notes;
}

function identityOf(
  object: string,
  { policy }: SelectorSet,
): Pick<PodPolicy, "kind" | "namespace" | "name" | "generatedBy"> {
  const { kind, namespace, name } = policy;
  const is = { kind, ...(namespace === undefined ? {} : { namespace }), name };
  return isRegoSet(object) ? { ...is, generatedBy: object } : is;
}

/** Whether any policy holds for the pod. */
export function anyHolds({
  policies,
  unknown,
}: Pick<PodReport, "policies" | "unknown">): PodPolicy["inForce"] {
  if (policies.some(({ inForce }) => inForce === "yes")) return "yes";
  return unknown ? "unknown" : "no";
}

/** As reports show the policy, with what generated it. */
export function titleOf({
  kind,
  namespace,
  name,
  generatedBy,
}: Pick<PodPolicy, "kind" | "namespace" | "name" | "generatedBy">): string {
  const metadata = { name, ...(namespace === undefined ? {} : { namespace }) };
  const title = policyTitle({ kind, metadata });
  return generatedBy === undefined ? title : `${title} (of ${generatedBy})`;
}

type Where = {
  readonly pod: Pod;
  readonly versions: NodeVersions;
  readonly node: NodeEntry | undefined;
};

/** Of each policy that does not concern the pod, the first restriction that leaves the pod out. */
function whyNot(
  names: Iterable<string>,
  shown: readonly PodPolicy[],
  { pod, versions, node }: Where,
): NonNullable<PodReport["others"]> {
  const told = new Set(shown.map((one) => `${one.selectorSet} ${titleOf(one)}`));
  return [...names].flatMap((name) => {
    const newest = versions.newest(name);
    if (!("sets" in newest)) return [];
    return newest.sets
      .map(({ set }) => ({ set, policy: titleOf(identityOf(name, set)) }))
      .filter(({ policy }) => !told.has(`${name} ${policy}`))
      .map(({ set, policy }) => {
        const isListed = versions.isListed(name);
        const waits = isListed && versions.wanted(name).hash !== newest.hash;
        return { policy, why: whyNotHere(set, { pod, node, isListed, waits }) };
      });
  });
}
