import { type KubeObject, objectKey, type Resource } from "@guardbee/kube";
import {
  hashSets,
  isRegoSet,
  type LabelSelector,
  type Mode,
  namespaceOfSet,
  type PolicyKind,
  type PolicyStatus,
  printable,
  type RegoKind,
  resourceOf,
  rolloutPosition,
  type SelectorSet,
  type SelectorSetSpec,
  type SourceRef,
  setName,
} from "@guardbee/policy";
import {
  int80Feature,
  type NodeException,
  type NodeLate,
  type NodeReport,
  type NodeStops,
} from "./node-report.ts";
import { type ObjectSize, sizeOfAll } from "./object-size.ts";
import { countRules, type RuleCounts } from "./rule-counts.ts";
import { SharedTexts } from "./shared-texts.ts";

/** A policy as written, and the status that the API server has of it. */
export type PolicyEntry = {
  /** Of its SelectorSet: one name over all kinds and namespaces, and so the key everywhere. */
  readonly setName: string;
  readonly resource: Resource & { readonly kind: PolicyKind | RegoKind };
  readonly object: KubeObject;
  readonly uid: string;
  readonly generation: number;
  readonly resourceVersion: string;
  /** As the API server has it: RFC 3339 of one length. Empty: it is not stored. */
  readonly createdAt: string;
  readonly deleting: boolean;
  readonly status: PolicyStatus | undefined;
};

export type NamespaceEntry = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
};

export type NodeEntry = {
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ready: boolean;
  readonly kernel: string;
  readonly arch: string;
};

/** A SelectorSet without its hooks, which are most of it and which only agents read. */
export type SetEntry = {
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  /** Of the content that is there; empty when it is not what `spec.hash` says: somebody edited it. */
  readonly hash: string;
  readonly mode: Mode;
  readonly nodes: LabelSelector | undefined;
  readonly ownerUid: string | undefined;
  /** Nodes report how many calls it stops. */
  readonly countStops?: boolean;
  readonly rollout?: SetRollout;
  /** Of a RegoPolicy: what there is to lose. */
  readonly rules?: RuleCounts;
  /** Of a namespace's policies. */
  readonly size?: ObjectSize;
};

/** A roll-out under way: nodes whose position is below `share` hold the new content. */
export type SetRollout = {
  readonly wave: number;
  /** Wall time, in ms. */
  readonly startedMs: number;
  readonly share: number;
  /** What the other nodes hold; undefined: nothing. */
  readonly previous: { readonly hash: string; readonly mode: Mode } | undefined;
};

export type NodeSetsEntry = {
  readonly node: string;
  readonly ownerUid: string | undefined;
  readonly sets: readonly string[];
  readonly report: NodeReport | undefined;
};

export const policyResources = [
  resourceOf("TracingPolicy"),
  resourceOf("TracingPolicyNamespaced"),
  resourceOf("ExecPolicy"),
  resourceOf("ExecPolicyNamespaced"),
  resourceOf("RegoPolicy"),
  resourceOf("RegoPolicyNamespaced"),
] as const;

export function projectPolicy(resource: PolicyEntry["resource"], raw: KubeObject): PolicyEntry {
  const { name, namespace, uid = "", generation = 0, labels, annotations } = raw.metadata;
  const ref: SourceRef = { kind: resource.kind, name, ...(namespace ? { namespace } : {}) };
  const { apiVersion, kind, spec } = raw;
  // Managed fields are as large as the rest, and nobody here reads them.
  const metadata = {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations: withoutLastApplied(annotations) }),
  };
  return {
    setName: setName(ref),
    resource,
    object: { apiVersion: apiVersion ?? "", kind: kind ?? "", metadata, spec },
    uid,
    generation,
    resourceVersion: raw.metadata.resourceVersion ?? "",
    createdAt: raw.metadata.creationTimestamp ?? "",
    deleting: raw.metadata.deletionTimestamp !== undefined,
    status: raw.status as PolicyStatus | undefined,
  };
}

/**
 * kubectl's client-side apply keeps a second copy of the whole policy there. It is kept where it has
 * nulls: they are nowhere else, and some are refused (policy/last-applied.ts).
 */
function withoutLastApplied(
  all: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const { "kubectl.kubernetes.io/last-applied-configuration": copy, ...rest } = all;
  return copy?.includes("null") ? all : rest;
}

export function projectNode(raw: KubeObject): NodeEntry {
  const status = raw.status as
    | {
        readonly conditions?: readonly { readonly type: string; readonly status: string }[];
        readonly nodeInfo?: { readonly kernelVersion?: string; readonly architecture?: string };
      }
    | undefined;
  return {
    name: raw.metadata.name,
    uid: raw.metadata.uid ?? "",
    labels: raw.metadata.labels ?? {},
    ready:
      status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false,
    kernel: printable(status?.nodeInfo?.kernelVersion ?? "unknown").slice(0, maxKernelLength),
    arch: printable(status?.nodeInfo?.architecture ?? "unknown").slice(0, maxWordLength),
  };
}

export function projectSet(raw: KubeObject): SetEntry {
  const spec = raw.spec as Partial<SelectorSetSpec> | undefined;
  const { hash = "", sets, rollout } = spec ?? {};
  const previous = rollout?.previous;
  const intact = isIntact(spec) && (previous === undefined || isIntact(previous));
  return {
    name: raw.metadata.name,
    uid: raw.metadata.uid ?? "",
    generation: raw.metadata.generation ?? 0,
    hash: intact ? hash : "",
    mode: modeOf(sets ?? []),
    nodes: sets?.[0]?.nodes,
    ownerUid: raw.metadata.ownerReferences?.[0]?.uid,
    ...(spec?.countStops === true ? { countStops: true } : {}),
    ...(rollout === undefined ? {} : { rollout: projectRollout(rollout) }),
    ...(isRegoSet(raw.metadata.name) ? { rules: countRules(sets ?? []) } : {}),
    ...(namespaceOfSet(raw.metadata.name) === undefined ? {} : { size: sizeOfAll(sets ?? []) }),
  };
}

function projectRollout(rollout: NonNullable<SelectorSetSpec["rollout"]>): SetRollout {
  const { wave, share, startedAt, previous } = rollout;
  return {
    wave,
    share,
    startedMs: Date.parse(startedAt) || 0,
    previous: previous && { hash: previous.hash, mode: modeOf(previous.sets) },
  };
}

function isIntact(content: Partial<SelectorSetSpec> | undefined): boolean {
  return content?.sets !== undefined && hashSets(content.sets) === content.hash;
}

/** The hash that a node is to hold of a set. */
export function hashFor(set: SetEntry, node: string): string {
  if (isInWave(set.name, set.rollout, node)) return set.hash;
  return set.rollout?.previous?.hash ?? nothingHash;
}

/** Whether a node is to hold the newest content of a set. */
export function isInWave(
  setName: string,
  rollout: Pick<SetRollout, "share"> | undefined,
  node: string,
): boolean {
  return rollout === undefined || rolloutPosition(setName, node) < rollout.share;
}

const nothingHash = hashSets([]);

/** Monitor only when nothing is left that enforces. */
export function modeOf(sets: readonly SelectorSet[]): Mode {
  return sets.length > 0 && sets.every(({ mode }) => mode === "monitor") ? "monitor" : "enforce";
}

/** As long as a status repeats it: nobody else bounds what a node says. */
const maxMessageLength = 320;
const maxWordLength = 64;
const maxKernelLength = 128;

/** `shared`: of all nodes of a fleet, whose lists and messages are much alike. */
export function projectNodeSets(raw: KubeObject, shared = new SharedTexts()): NodeSetsEntry {
  const spec = raw.spec as { readonly sets?: readonly string[] } | undefined;
  const status = raw.status as
    | {
        readonly digest?: string;
        readonly exceptions?: readonly NodeException[];
        readonly exceptionsOmitted?: number;
        readonly stops?: readonly NodeStops[];
        readonly stopsOmitted?: number;
        readonly late?: readonly NodeLate[];
        readonly kernel?: { readonly features?: readonly string[] };
        readonly tampered?: object;
      }
    | undefined;
  const report = status && {
    exceptions: (status.exceptions ?? []).map(({ set, hash, state, reason, message, holds }) => ({
      ...{ set, hash, state },
      reason: shared.text(printable(reason), maxWordLength),
      message: shared.text(printable(message), maxMessageLength),
      ...(holds === undefined ? {} : { holds }),
    })),
    ...(status.exceptionsOmitted ? { exceptionsOmitted: status.exceptionsOmitted } : {}),
    ...(status.stops === undefined ? {} : { stops: status.stops }),
    ...(status.stopsOmitted === undefined ? {} : { stopsOmitted: status.stopsOmitted }),
    ...(status.late === undefined ? {} : { late: status.late }),
    ...(status.digest === undefined ? {} : { digest: status.digest }),
    ...(status.kernel?.features?.includes(int80Feature) ? { takesInt80: true as const } : {}),
    ...(status.tampered === undefined ? {} : { tampered: true as const }),
  };
  return {
    node: objectKey(raw.metadata),
    ownerUid: raw.metadata.ownerReferences?.[0]?.uid,
    sets: shared.list(spec?.sets ?? []),
    report,
  };
}
