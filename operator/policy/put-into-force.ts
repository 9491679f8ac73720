import { type Clock, type KubeConnection, KubeError } from "@guardbee/kube";
import type { Mode, Problem, RolloutWish, TrialStatus } from "@guardbee/policy";
import type { Fleet } from "../fleet/fleet.ts";
import type { PolicyEntry } from "../fleet/objects.ts";
import type { Accepted, Guards, Judgement, Unanswered } from "../judge/judgement.ts";
import { ensureSet, type SetView } from "../rollout/ensure-set.ts";
import { mayOmitStops, stoppedTooMuch } from "../rollout/stops.ts";
import { monitorFirst } from "../rollout/trial.ts";
import type { WrittenSets } from "../rollout/written-sets.ts";
import { countStates } from "../status/node-count.ts";
import type { NodeState } from "../status/node-state.ts";
import type { NamespaceQuota } from "./namespace-quota.ts";
import type { PolicyNodes } from "./policy-nodes.ts";

export type PutIntoForceDeps = {
  readonly connection: KubeConnection;
  readonly fleet: Fleet;
  readonly sets: WrittenSets;
  readonly quota: NamespaceQuota;
  /** Of a policy that learns: enough was seen of what it holds for. */
  readonly covered: (setName: string) => boolean;
  readonly clock: Clock;
};

export type Judged = Judgement | Unanswered;

/** What came of a judgement. */
export type InForce = {
  readonly judged: Judged;
  /** What is in its SelectorSet object, if there is one. */
  readonly view: SetView | undefined;
  readonly trial?: TrialStatus;
  /** The API server takes no set of this content, for now; what was there stays in force. */
  readonly refusal?: KubeError;
  readonly dueInMs: number;
};

/** A namespace has no room left: how soon it is asked again. */
const quotaAgainMs = 30_000;

/** What holds from now on: of this generation, or else of its last good bundle. */
export function usedOf(judged: Judged): Accepted | Guards | undefined {
  return judged.kind === "accepted" || judged.kind === "guards" ? judged : judged.lastGood;
}

/** Has the set of an accepted policy written; of any other, what was accepted before stays. */
export async function putIntoForce(
  {
    policy,
    judged,
    plan,
    nodes,
  }: {
    readonly policy: PolicyEntry;
    readonly judged: Judged;
    readonly plan: RolloutWish;
    readonly nodes: PolicyNodes;
  },
  deps: PutIntoForceDeps,
  signal: AbortSignal,
): Promise<InForce> {
  const current = deps.sets.current(policy.setName);
  const dueInMs = Number.POSITIVE_INFINITY;
  const used = usedOf(judged);
  if (used?.kind !== "accepted") return { judged, view: current, dueInMs };
  const overQuota = used.hash === current?.hash ? [] : takeQuota(policy, used, deps);
  if (overQuota.length > 0) {
    const refused = { kind: "refused", reason: "QuotaExceeded", problems: overQuota } as const;
    return { judged: { ...refused, mode: used.mode }, view: current, dueInMs: quotaAgainMs };
  }
  const asked = current?.rollout !== undefined || current?.countStops === true; // a roll-out, a trial
  const states = asked ? nodes.states(current) : [];
  const count = countStates(states.map((one) => untilStopsAreTold(one, policy, deps)));
  const status = nodes.status();
  const tried = monitorFirst({
    ...{ judged: used, there: current, monitorFirstMs: plan.monitorFirstMs },
    stops: (hash) => nodes.stops(current, hash),
    before: status?.trial,
    held:
      count.programmed > 0 &&
      count.failed + count.pending + count.waiting === 0 &&
      (!learns(policy) || deps.covered(policy.setName)),
    nowMs: deps.clock.now(),
  });
  const stops = nodes.stops(current, tried.judged.hash);
  const at = { count, view: current, status, generation: policy.generation };
  const stopsTooMuch = stoppedTooMuch(stops, plan.maxStops, at);
  const rollout = { plan, count, stopsTooMuch, tried: "trial" in tried };
  try {
    const ensured = await ensureSet(policy, tried.judged, rollout, deps, signal);
    const { trial } = tried;
    return {
      judged: judged.kind === "accepted" ? tried.judged : judged,
      view: ensured.view,
      ...(trial && { trial }),
      dueInMs: Math.min(ensured.dueInMs, tried.dueInMs),
    };
  } catch (error) {
    if (!(error instanceof KubeError) || passing.includes(error.status)) throw error;
    if (error.status === 413) return { judged: tooLarge(error, used.mode), view: current, dueInMs };
    return { judged, view: current, refusal: error, dueInMs };
  }
}

function learns({ object }: PolicyEntry): boolean {
  return (object.spec as { readonly learn?: unknown } | undefined)?.learn !== undefined;
}

/** A node whose report has no room for all its stops has yet to tell those of this policy. */
function untilStopsAreTold(
  one: NodeState,
  { setName }: PolicyEntry,
  { fleet }: PutIntoForceDeps,
): NodeState {
  if (one.state !== "programmed" || !mayOmitStops(setName, one.node, fleet)) return one;
  const { node, kernel, arch } = one;
  return { node, kernel, arch, state: "pending", untilMs: Number.POSITIVE_INFINITY };
}

/** What a namespaced policy needs and its namespace has no more of. */
function takeQuota(
  { setName: name, object }: PolicyEntry,
  { sets }: Accepted,
  { quota }: PutIntoForceDeps,
): readonly Problem[] {
  const { namespace } = object.metadata;
  return namespace === undefined ? [] : quota.take({ name, namespace, sets });
}

/** Conflicts, and a server that has too much to do or goes away: the next try may well succeed. */
const passing: readonly number[] = [409, 429, 502, 503, 504];

/** It will say the same tomorrow. */
function tooLarge(error: KubeError, mode: Mode) {
  const problem: Problem = {
    field: "spec",
    what: `lowers to a SelectorSet that the API server refuses (${error.message.slice(0, 500)})`,
    fix: "split the policy",
    kind: "unsupported",
  };
  return { kind: "refused", reason: "NotSupported", problems: [problem], mode } as const;
}
