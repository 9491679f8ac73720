import {
  apiVersion,
  applyObject,
  type Clock,
  getObject,
  type KubeConnection,
  type KubeObject,
  stamp,
} from "@guardbee/kube";
import {
  type HashedSets,
  type RolloutWish,
  resourceOf,
  type SelectorSetSpec,
} from "@guardbee/policy";
import { fieldManager } from "../field-manager.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { modeOf, type PolicyEntry, type SetEntry, type SetRollout } from "../fleet/objects.ts";
import type { Accepted } from "../judge/judgement.ts";
import { nextStep, type Step, type StepInput } from "./next-step.ts";
import type { WrittenSets } from "./written-sets.ts";

/** What is in a SelectorSet object now, also before the watch shows it. */
export type SetView = Pick<SetEntry, "hash" | "mode" | "nodes" | "countStops" | "rollout">;

export type Ensured = {
  readonly view: SetView;
  /** When the next wave may begin; Infinity when only a report can make it. */
  readonly dueInMs: number;
};

export type EnsureDeps = {
  readonly connection: KubeConnection;
  readonly fleet: Fleet;
  readonly sets: WrittenSets;
  readonly clock: Clock;
};

/**
 * Writes the set of an accepted policy if its content, its owner or its wave is not what is there.
 * Throws what the API server says, a refusal of the content among it.
 */
export async function ensureSet(
  policy: PolicyEntry,
  judged: Accepted,
  rollout: {
    readonly plan: RolloutWish;
    /** Of the nodes that are to hold the newest content already. */
    readonly count: StepInput["count"];
    readonly stopsTooMuch: boolean;
    /** Nodes are to report what it stops, for a trial. */
    readonly tried: boolean;
  },
  { connection, fleet, sets: known, clock }: EnsureDeps,
  signal: AbortSignal,
): Promise<Ensured> {
  const { setName, resource, uid } = policy;
  const there = known.current(setName);
  const ownerUid = resource.namespaced ? undefined : uid;
  const step = nextStep({
    there,
    wanted: { name: setName, hash: judged.hash, nodes: judged.nodes },
    ...rollout,
    nodes: fleet.nodesFor(judged.nodes),
    nowMs: clock.now(),
  });
  if (step.kind === "keep" && there !== undefined && there.ownerUid === ownerUid) {
    return { view: there, dueInMs: step.dueInMs };
  }
  const { hash, sets } = judged;
  const { plan, tried } = rollout;
  const next = step.kind === "keep" ? sameStage(there) : step;
  const staged = next.kind === "stage" ? await stageOf(next, setName, connection, signal) : {};
  const counts = tried || (next.kind === "stage" && plan.maxStops !== undefined);
  const spec: SelectorSetSpec = {
    ...{ hash, sets },
    ...(counts ? { countStops: true } : {}),
    ...staged.spec,
  };
  const metadata = { ...metadataOf(policy), ...staged.metadata };
  const target = { resource: resourceOf("SelectorSet"), object: { metadata, spec } };
  known.wrote(await applyObject(connection, target, { fieldManager, force: true }, signal));
  const view = { hash, mode: judged.mode, nodes: judged.nodes, countStops: counts };
  if (next.kind !== "stage") return { view, dueInMs: Number.POSITIVE_INFINITY };
  const { previous } = staged.spec!.rollout!;
  const now: SetRollout = {
    ...next.stage,
    previous: previous && { hash: previous.hash, mode: modeOf(previous.sets) },
  };
  return { view: { ...view, rollout: now }, dueInMs: plan.intervalMs };
}

function metadataOf({ setName, resource, uid, object }: PolicyEntry): KubeObject["metadata"] {
  const { name } = object.metadata;
  const owner = { apiVersion: apiVersion(resource), kind: resource.kind, name, uid };
  return {
    name: setName,
    labels: { "app.kubernetes.io/managed-by": fieldManager },
    // An owner in a namespace cannot own a cluster object; forgetPolicy is what cleans up there.
    ...(resource.namespaced ? {} : { ownerReferences: [owner] }),
  };
}

/** Only the owner is to change. */
function sameStage(there: SetEntry | undefined): Exclude<Step, { kind: "keep" }> {
  if (there?.rollout === undefined) return { kind: "finish" };
  return { kind: "stage", stage: there.rollout, previous: "previous" };
}

/** The previous content is read from the API server: the fleet keeps none of it. */
async function stageOf(
  { stage, previous: which }: Extract<Step, { kind: "stage" }>,
  name: string,
  connection: KubeConnection,
  signal: AbortSignal,
): Promise<{
  readonly spec?: Pick<SelectorSetSpec, "rollout">;
  readonly metadata?: { readonly resourceVersion: string };
}> {
  const { wave, share, startedMs } = stage;
  const startedAt = stamp(startedMs);
  if (which === "nothing") return { spec: { rollout: { wave, share, startedAt } } };
  const found = await getObject(connection, resourceOf("SelectorSet"), { name }, signal);
  const spec = found?.spec as SelectorSetSpec | undefined;
  const content = which === "current" ? spec : spec?.rollout?.previous;
  const previous: { previous?: HashedSets } =
    content === undefined ? {} : { previous: { hash: content.hash, sets: content.sets } };
  // Another leader's write in between is a conflict, and this is tried again.
  const { resourceVersion } = found?.metadata ?? {};
  return {
    spec: { rollout: { wave, share, startedAt, ...previous } },
    ...(resourceVersion === undefined ? {} : { metadata: { resourceVersion } }),
  };
}
