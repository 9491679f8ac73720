import type { KubeObject } from "@guardbee/kube";
import type { NodePolicySetStatus } from "@guardbee/policy";
import type { Holdings } from "../fleet/digests.ts";
import {
  hashFor,
  type NodeEntry,
  type NodeSetsEntry,
  projectNode,
  projectSet,
  type SetEntry,
} from "../fleet/objects.ts";
import { type NodeStanding, nodeStanding } from "../status/node-standing.ts";
import { stateByReport } from "../status/node-state.ts";
import { lastReport } from "./last-report.ts";
import { type Look, lookAt, NodeVersions } from "./node-versions.ts";

/** What one node makes of its policies, as `guardbee nodes` prints it. */
export type NodeReport = {
  readonly name: string;
  readonly standing: NodeStanding;
  readonly ready: boolean;
  /** Policies, by SelectorSet. */
  readonly desired: number;
  readonly programmed: number;
  readonly failed: number;
  readonly pending: number;
  readonly unreachable: number;
  /** Its digest stands for what it should hold now (`current`), for anything else, or is not there. */
  readonly digest: "current" | "other" | "none";
  readonly kernel?: string;
  readonly arch?: string;
  readonly features?: readonly string[];
  readonly agentVersion?: string;
  /** When its agent last wrote its status. */
  readonly reportedAt?: string;
  /** `earlier`: about a version that the node is not to hold any more. */
  readonly exceptions: readonly (Exception & { readonly earlier?: true })[];
  readonly exceptionsOmitted?: number;
};

type Exception = NonNullable<NodePolicySetStatus["exceptions"]>[number];

/** The SelectorSets of a cluster, as they are and as the operator reads them, by name. */
type Sets = {
  readonly objects: ReadonlyMap<string, KubeObject>;
  readonly entries: ReadonlyMap<string, SetEntry>;
};

/** One report a node, in order of name. Judged as the operator does, of this one look. Pure. */
export function reportNodes(
  nodes: readonly KubeObject[],
  nodePolicySets: readonly KubeObject[],
  selectorSets: readonly KubeObject[],
): readonly NodeReport[] {
  const sets: Sets = {
    objects: new Map(selectorSets.map((raw) => [raw.metadata.name, raw])),
    entries: new Map(selectorSets.map((raw) => [raw.metadata.name, projectSet(raw)])),
  };
  const rawByNode = new Map(nodePolicySets.map((raw) => [raw.metadata.name, raw]));
  const look = lookAt(nodes.length);
  return nodes
    .map((raw) => reportNode(projectNode(raw), rawByNode.get(raw.metadata.name), sets, look))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function reportNode(
  node: NodeEntry,
  raw: KubeObject | undefined,
  { objects, entries }: Sets,
  look: Look,
): NodeReport {
  const versions = new NodeVersions(node.name, raw, objects, look);
  const { entry, expected, holdings } = versions;
  const wanted = (entry?.sets ?? []).flatMap((name) => entries.get(name) ?? []);
  const count = { programmed: 0, failed: 0, pending: 0, unreachable: 0 };
  for (const set of wanted) count[stateOn(node, entry, holdings, set)]++;
  const status = raw?.status as NodePolicySetStatus | undefined;
  const { kernel, agentVersion, exceptions = [], exceptionsOmitted } = status ?? {};
  const reportedAt = raw && lastReport(raw);
  return {
    name: node.name,
    standing: nodeStanding(
      { ready: node.ready, report: entry?.report },
      look.digests.expect(expected),
    ),
    ready: node.ready,
    desired: entry?.sets.length ?? 0,
    ...count,
    digest: status?.digest === undefined ? "none" : isCurrent(versions) ? "current" : "other",
    kernel: kernel?.release ?? node.kernel,
    arch: kernel?.arch ?? node.arch,
    ...(kernel === undefined ? {} : { features: kernel.features }),
    ...(agentVersion === undefined ? {} : { agentVersion }),
    ...(reportedAt === undefined ? {} : { reportedAt }),
    exceptions: exceptions.map((one) =>
      isEarlier(one, expected) ? { ...one, earlier: true } : one,
    ),
    ...(exceptionsOmitted === undefined ? {} : { exceptionsOmitted }),
  };
}

/** Less what it says that it does not hold. */
function isCurrent({ expected, holdings, entry }: NodeVersions): boolean {
  const excepted = new Set(entry?.report?.exceptions.map(({ set }) => set));
  return (
    holdings !== undefined &&
    [...expected].every(([name, hash]) => holdings.get(name) === hash || excepted.has(name))
  );
}

/** An exception without a hash is about a policy that the node had not read at all. */
function isEarlier({ set, hash }: Exception, expected: Holdings): boolean {
  return hash !== "" && hash !== expected.get(set);
}

/** What a node's version of `set` is there, as one look shows it: a node is unreachable when it is NotReady. */
export function stateOn(
  node: Pick<NodeEntry, "name" | "ready">,
  entry: NodeSetsEntry | undefined,
  holds: Holdings | undefined,
  set: SetEntry,
): "programmed" | "failed" | "pending" | "unreachable" {
  const wanted = { name: set.name, hash: hashFor(set, node.name) };
  const said = stateByReport({ report: entry?.report, holds }, wanted);
  return said?.state ?? (node.ready ? "pending" : "unreachable");
}
