import { matchesLabels, type Pod, type SelectorSet } from "@guardbee/policy";
import type { NodeEntry } from "../fleet/objects.ts";
import { containersIn } from "./containers-in.ts";
import { actsDifferently } from "./set-diff.ts";

export type Effect = "gains" | "loses" | "changes";

/** What would become of one pod's containers under one policy. */
export type PodChange = {
  readonly effect: Effect;
  readonly namespace: string;
  readonly pod: string;
  readonly node: string;
  readonly containers: readonly string[];
};

/** A pod that runs on a node. */
export type PlacedPod = { readonly pod: Pod; readonly node: string };

export type Placement = {
  readonly nodes: ReadonlyMap<string, NodeEntry>;
  readonly pods: readonly PlacedPod[];
};

/** What a node holds of the policy now. */
type Before = (node: string) => SelectorSet | undefined;

/** Which pods would gain the policy, lose it, or be treated differently by it. Pure. */
export function diffPods(
  beforeOn: Before,
  after: SelectorSet,
  { nodes, pods }: Placement,
): readonly PodChange[] {
  return pods.flatMap(({ pod, node }) => {
    const labels = nodes.get(node)?.labels;
    if (labels === undefined || pod.finished) return [];
    const before = beforeOn(node);
    const differs = before === undefined || actsDifferently(before, after);
    const held = new Set(heldIn(before, pod, labels));
    const holds = new Set(heldIn(after, pod, labels));
    const by: Record<Effect, readonly string[]> = {
      gains: [...holds].filter((name) => !held.has(name)),
      loses: [...held].filter((name) => !holds.has(name)),
      changes: differs ? [...holds].filter((name) => held.has(name)) : [],
    };
    const { namespace, name } = pod;
    return effects
      .filter((effect) => by[effect].length > 0)
      .map((effect) => ({ effect, namespace, pod: name, node, containers: by[effect] }));
  });
}

/** Nodes whose processes outside of pods would gain, lose or change, sorted. Pure. */
export function diffHosts(
  beforeOn: Before,
  after: SelectorSet,
  nodes: ReadonlyMap<string, NodeEntry>,
): Readonly<Record<Effect, readonly string[]>> {
  const by = { gains: [] as string[], loses: [] as string[], changes: [] as string[] };
  for (const { name, labels } of nodes.values()) {
    const before = beforeOn(name);
    const differs = before === undefined || actsDifferently(before, after);
    const [held, holds] = [onHost(before, labels), onHost(after, labels)];
    if (held !== holds) by[holds ? "gains" : "loses"].push(name);
    else if (holds && differs) by.changes.push(name);
  }
  for (const names of Object.values(by)) names.sort();
  return by;
}

export const effects = ["gains", "loses", "changes"] as const satisfies readonly Effect[];

type Labels = Readonly<Record<string, string>>;

function heldIn(set: SelectorSet | undefined, pod: Pod, node: Labels): readonly string[] {
  return set !== undefined && matchesLabels(set.nodes, node) ? containersIn(set, pod) : [];
}

function onHost(set: SelectorSet | undefined, node: Labels): boolean {
  return set?.scope.host === true && matchesLabels(set.nodes, node);
}
