import type { KubeObject } from "@guardbee/kube";
import type { SelectorSet } from "@guardbee/policy";
import type { NodeEntry } from "../fleet/objects.ts";
import { listNames } from "../status/failure-groups.ts";
import { lookAt, NodeVersions } from "./node-versions.ts";

/** What each node holds of one policy now, which a change of it is compared with. */
export type HeldOnNodes = {
  on(node: string): SelectorSet | undefined;
  /** Where that is not the version in force, a sentence each. */
  readonly notes: readonly string[];
};

/** Nobody holds anything: of a policy that is new. */
export const heldNowhere: HeldOnNodes = { on: () => undefined, notes: [] };

/** The policy whose SelectorSet has this name, on all nodes. Pure. */
export function heldOnNodes(
  name: string,
  nodes: ReadonlyMap<string, NodeEntry>,
  { nodePolicySets, selectorSets }: ClusterSets,
): HeldOnNodes {
  const objects = new Map(selectorSets.map((raw) => [raw.metadata.name, raw]));
  const rawByNode = new Map(nodePolicySets.map((raw) => [raw.metadata.name, raw]));
  const look = lookAt(nodes.size);
  const held = new Map<string, SelectorSet>();
  const earlier: string[] = [];
  const none: string[] = [];
  const unknown: string[] = [];
  for (const node of nodes.keys()) {
    const versions = new NodeVersions(node, rawByNode.get(node), objects, look);
    const found = versions.held(name);
    const wanted = versions.wanted(name);
    const isKnown = found.kind === "version" || found.kind === "nothing";
    const version = found.kind === "version" ? found.version : isKnown ? undefined : wanted;
    const first = version && "sets" in version ? version.sets[0] : undefined;
    if (first !== undefined) held.set(node, first.set);
    if (!isKnown) unknown.push(node);
    else if (found.kind === "version" && found.version.hash !== versions.newest(name).hash) {
      earlier.push(node);
    } else if (found.kind === "nothing" && versions.isListed(name)) none.push(node);
  }
  const note = (some: readonly string[], what: string) =>
    some.length === 0 ? [] : [`${countOf(some)} ${what}: ${listNames([...some].sort())}`];
  return {
    on: (node) => held.get(node),
    notes: [
      ...note(earlier, "at another version than the newest, and compared with that"),
      ...note(none, "without any version of it, and perhaps without this one"),
      ...note(unknown, "with a report that does not tell, and compared with what is to hold there"),
    ],
  };
}

/** All NodePolicySets and SelectorSets of a cluster. */
export type ClusterSets = {
  readonly nodePolicySets: readonly KubeObject[];
  readonly selectorSets: readonly KubeObject[];
};

function countOf(nodes: readonly string[]): string {
  return nodes.length === 1 ? "1 node" : `${nodes.length} nodes`;
}
