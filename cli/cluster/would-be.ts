import { getObject, isKubeError, type KubeObject, listObjects, resources } from "@guardbee/kube";
import type { GuardNote, OfflineJudge } from "@guardbee/operator/offline";
import {
  type ClusterSets,
  diffHosts,
  diffPods,
  diffSets,
  heldNowhere,
  heldOnNodes,
  type Placement,
  type PolicyDiff,
  policyTitle,
} from "@guardbee/operator/report";
import {
  formatProblem,
  parseSetObject,
  regoKinds,
  resourceOf,
  type SelectorSet,
  type SourceRef,
  setName,
} from "@guardbee/policy";
import type { Cluster } from "./connection.ts";
import { notInstalled } from "./find-policy.ts";
import type { Given } from "./given-policies.ts";

/** Compares each policy with what is in force of it; pods are read when something differs. */
export async function diffGiven(
  given: readonly Given[],
  judge: OfflineJudge,
  readPlacement: () => Promise<Placement & ClusterSets>,
  cluster: Cluster,
): Promise<readonly PolicyDiff[]> {
  let placement: Promise<Placement & ClusterSets> | undefined;
  const placed = () => {
    placement ??= readPlacement();
    return placement;
  };
  const diffs: PolicyDiff[] = [];
  for (const one of given) diffs.push(await diffOne(one, judge, placed, cluster));
  return diffs;
}

async function diffOne(
  { parsed, object }: Given,
  judge: OfflineJudge,
  readPlacement: () => Promise<Placement & ClusterSets>,
  cluster: Cluster,
): Promise<PolicyDiff> {
  const { file, line, kind = "(no kind)", name = "(no name)", result, locate } = parsed;
  if (object === undefined) {
    const problems = result.ok ? [] : result.problems;
    return { policy: `${kind}/${name}`, file, line, verdict: "refused", problems };
  }
  const about = { policy: policyTitle(object), file, line };
  const judgement = await judge.judge(object, cluster.signal);
  if (judgement.kind !== "accepted") {
    const problems = judgement.kind === "refused" ? judgement.problems.map(locate) : [];
    return { ...about, verdict: "refused", problems };
  }
  const warnings = [...parsed.warnings, ...(judgement.warnings ?? []).map(locate)];
  const notes = [...warnings.map(formatProblem), ...(judgement.notes ?? []).map(describeNote)];
  const after = judgement.sets[0]!; // a policy of its own lowers to one set
  const before = await inForce(object, cluster);
  const diff = diffSets(before?.set, after);
  if (before?.hash === judgement.hash) {
    const hosts = { gains: [], loses: [], changes: [] };
    return { ...about, verdict: "unchanged", notes, pods: [], hosts, ...diff };
  }
  const placement = await readPlacement();
  const { nodes } = placement;
  const held = before === undefined ? heldNowhere : heldOnNodes(before.at, nodes, placement);
  return {
    ...about,
    verdict: before === undefined ? "new" : "changed",
    notes: [...notes, ...held.notes],
    pods: diffPods(held.on, after, placement),
    hosts: diffHosts(held.on, after, nodes),
    ...diff,
  };
}

/** A scope is not said again as JSON: it is compared as what holds. */
function describeNote({ name, effect, message }: GuardNote): string {
  const scoped = effect === "changed" && message.startsWith("scope:");
  return `guard rail ${name} ${effect}: ${scoped ? "the scope" : message}`;
}

/** The newest set that the operator wrote for the policy of that identity, as an agent would take it. */
async function inForce(
  { kind = "", metadata }: KubeObject,
  { connection, signal }: Cluster,
): Promise<{ readonly at: string; readonly hash: string; readonly set?: SelectorSet } | undefined> {
  const { name, namespace } = metadata;
  const ref: SourceRef = { kind, name, ...(namespace === undefined ? {} : { namespace }) };
  const at = setName(ref);
  const raw = await getObject(connection, resourceOf("SelectorSet"), { name: at }, signal);
  if (raw === undefined) return undefined;
  const parsed = parseSetObject(at, raw.spec);
  const set = "sets" in parsed ? parsed.sets[0]?.set : undefined;
  return { at, hash: "sets" in parsed ? parsed.hash : "", ...(set && { set }) };
}

/** Namespaces beyond which none of the policies reaches; undefined: one of them holds everywhere. */
export function namespacesOf(given: readonly Given[]): readonly string[] | undefined {
  const own = given.flatMap(({ object }) => (object ? [object.metadata.namespace] : []));
  const names = own.filter((one) => one !== undefined);
  return names.length < own.length ? undefined : [...new Set(names)];
}

/** Namespaces that guard rails may see: all, or only those of namespaced policies. */
export async function readNamespaces(
  given: readonly Given[],
  { connection, signal }: Cluster,
): Promise<readonly { name: string; labels: Readonly<Record<string, string>> }[]> {
  const names = namespacesOf(given);
  const all =
    names === undefined
      ? await listObjects(connection, resources.namespace, undefined, signal)
      : await Promise.all(
          names.map((name) => getObject(connection, resources.namespace, { name }, signal)),
        );
  return all.flatMap((raw) =>
    raw === undefined ? [] : [{ name: raw.metadata.name, labels: raw.metadata.labels ?? {} }],
  );
}

/** The guard rails that are RegoPolicies of this cluster. */
export async function clusterGuards({ connection, signal }: Cluster): Promise<readonly string[]> {
  try {
    const lists = regoKinds.map(({ kind }) =>
      listObjects(connection, resourceOf(kind), undefined, signal),
    );
    return (await Promise.all(lists))
      .flat()
      .filter(({ spec }) => (spec as { readonly role?: string } | undefined)?.role === "Guardrail")
      .map(policyTitle);
  } catch (error) {
    if (isKubeError(error, 404)) throw notInstalled(connection.server);
    throw error;
  }
}
