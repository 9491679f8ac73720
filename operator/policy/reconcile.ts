import {
  after,
  type Clock,
  deleteObject,
  done,
  type KubeConnection,
  KubeError,
  type Outcome,
  stamp,
} from "@guardbee/kube";
import {
  allAtOnce,
  type Mode,
  type PolicyStatus,
  type Problem,
  parseRollout,
  type RolloutPlan,
  type RolloutWish,
  resourceOf,
  type TrialStatus,
  wholeShare,
} from "@guardbee/policy";
import type { Logger } from "pino";
import type { Fleet } from "../fleet/fleet.ts";
import { isTurnOf, type PolicyEntry } from "../fleet/objects.ts";
import type { Accepted, Guards, Judgement, Unanswered } from "../judge/judgement.ts";
import { RailNotReady } from "../rego/own-rails.ts";
import { ensureSet, type SetView } from "../rollout/ensure-set.ts";
import { mayOmitStops, stoppedTooMuch, stopsOf } from "../rollout/stops.ts";
import { tryFirst } from "../rollout/trial.ts";
import type { WrittenSets } from "../rollout/written-sets.ts";
import { countStates } from "../status/node-count.ts";
import { judgeNode, type NodeState } from "../status/node-state.ts";
import { rollUp } from "../status/roll-up.ts";
import type { RollOutView } from "../status/stages.ts";
import type { StatusWriter } from "../status/status-writer.ts";
import type { Judgements } from "./judgements.ts";
import type { NamespaceQuota } from "./namespace-quota.ts";

export type PolicyDeps = {
  readonly connection: KubeConnection;
  readonly fleet: Fleet;
  readonly judgements: Judgements;
  readonly sets: WrittenSets;
  readonly quota: NamespaceQuota;
  readonly statuses: StatusWriter;
  readonly clock: Clock;
  readonly log: Logger;
  readonly unreachableMs: number;
  /** How changes reach nodes where a policy's annotations do not say. */
  readonly rollout: RolloutPlan;
};

/** Rego gave no answer, or a namespace has no room left: how soon it is asked again. */
const judgeAgainMs = 30_000;

/**
 * One policy, by the name of its SelectorSet: judges it, writes its set when the content changed,
 * and its status when that did. Of a policy that is gone, removes the set.
 */
export async function reconcilePolicy(
  setName: string,
  deps: PolicyDeps,
  signal: AbortSignal,
): Promise<Outcome> {
  const policy = deps.fleet.policy(setName);
  if (policy === undefined || policy.deleting) return forgetPolicy(setName, deps, signal);
  const judged = await judgeOrWait(policy, deps, signal);
  const plan = planOf(policy, deps);
  const settled = await settle(policy, judged, plan, deps, signal);
  const { verdict, view, refusal } = settled;
  // Rolling up looks at every node; of a fleet that reports, only what can be written is worth it.
  const waitMs = deps.statuses.dueInMs(policy);
  if (refusal === undefined && waitMs > 0) return after(Math.min(waitMs, settled.dueInMs));
  const nodes = nodeStates(policy, view, deps);
  const status = rollUp({
    generation: policy.generation,
    previous: deps.statuses.current(policy),
    verdict,
    nodes,
    nowMs: deps.clock.now(),
    rollout: rolloutView(policy, view, { plan, nodes }, deps),
    trial: settled.trial,
    ...regoStatus(policy, { judged: verdict, distributed: refusal === undefined }, deps),
    unresolved: "unresolved" in verdict ? verdict.unresolved : undefined,
    undistributed: refusal?.message,
  });
  const outcome = await deps.statuses.write(policy, status, signal);
  if (refusal !== undefined) throw refusal; // again, with back-off
  const dueInMs = Math.min(settled.dueInMs, deps.judgements.dueInMs(setName));
  return sooner(outcome, nextLook(verdict, nodes, deps.clock.monotonic(), dueInMs));
}

/** Annotations that are wrong have made the policy refused. */
function planOf(policy: PolicyEntry, deps: PolicyDeps): RolloutWish {
  const parsed = parseRollout(policy.object.metadata.annotations, deps.rollout);
  return parsed.ok ? parsed.value : allAtOnce;
}

/** What a RegoPolicy shows beside its conditions, and what guard rails made of any policy. */
function regoStatus(
  policy: PolicyEntry,
  { judged, distributed }: { readonly judged: Judged; readonly distributed: boolean },
  deps: PolicyDeps,
): Pick<PolicyStatus, "rego" | "guardRails"> {
  const guardRails = "notes" in judged ? judged.notes : undefined;
  const notes = guardRails === undefined ? {} : { guardRails };
  if (policy.resource.group !== "guardbee.io") return notes;
  const { held: _held, ...before } = deps.statuses.current(policy)?.rego ?? {};
  const held = judged.kind === "refused" && judged.held !== undefined ? { held: judged.held } : {};
  const used = distributed ? usedOf(judged) : undefined;
  if (used === undefined) {
    const rego = { ...before, ...held };
    return Object.keys(rego).length === 0 ? notes : { ...notes, rego };
  }
  const result = used.kind === "accepted" ? used.hash : used.rego.digest;
  const changed = before.result !== result;
  const nowAt = stamp(deps.clock.now());
  const inputsChangedAt = changed ? nowAt : (before.inputsChangedAt ?? nowAt);
  const digests = result === undefined ? {} : { result };
  return { ...notes, rego: { ...used.rego, ...digests, inputsChangedAt, ...held } };
}

type Judged = Judgement | Unanswered;

/** What holds from now on: of this generation, or else of its last good bundle. */
function usedOf(judged: Judged): Accepted | Guards | undefined {
  return judged.kind === "accepted" || judged.kind === "guards" ? judged : judged.lastGood;
}

async function judgeOrWait(
  policy: PolicyEntry,
  deps: PolicyDeps,
  signal: AbortSignal,
): Promise<Judged> {
  try {
    const judged = await deps.judgements.get(policy, signal);
    if (judged.kind === "unknown") {
      deps.log.warn({ ref: policy.setName, reason: judged.message }, "policy cannot be judged");
    }
    return judged;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof RailNotReady) throw error; // again with back-off, and when it is compiled
    deps.log.warn({ ref: policy.setName, err: error }, "policy cannot be judged");
    return { kind: "unknown", message: error instanceof Error ? error.message : String(error) };
  }
}

type Settled = {
  readonly verdict: Judged;
  /** What is in its SelectorSet object, if there is one. */
  readonly view: SetView | undefined;
  readonly trial?: TrialStatus;
  /** The API server takes no set of this content, for now; what was there stays in force. */
  readonly refusal?: KubeError;
  readonly dueInMs: number;
};

/** Has the set of an accepted policy written; of any other, what was accepted before stays. */
async function settle(
  policy: PolicyEntry,
  judged: Judged,
  plan: RolloutWish,
  deps: PolicyDeps,
  signal: AbortSignal,
): Promise<Settled> {
  const there = deps.sets.current(policy.setName);
  const dueInMs = Number.POSITIVE_INFINITY;
  const used = usedOf(judged);
  if (used?.kind !== "accepted") return { verdict: judged, view: there, dueInMs };
  const overQuota = used.hash === there?.hash ? [] : takeQuota(policy, used, deps);
  if (overQuota.length > 0) {
    const verdict = { kind: "refused", reason: "QuotaExceeded", problems: overQuota } as const;
    return { verdict: { ...verdict, mode: used.mode }, view: there, dueInMs: judgeAgainMs };
  }
  const count = { programmed: 0, failed: 0, pending: 0, waiting: 0, unreachable: 0 };
  const asked = there?.rollout !== undefined || there?.countStops === true; // a roll-out, a trial
  for (const { node, state } of asked ? nodeStates(policy, there, deps) : []) {
    const told = state !== "programmed" || !mayOmitStops(policy.setName, node, deps.fleet);
    count[told ? state : "pending"]++;
  }
  const stops = (hash: string) => stopsOf(policy.setName, there, hash, deps.fleet);
  const status = deps.statuses.current(policy);
  const tried = tryFirst({
    ...{ judged: used, there, stops, monitorFirstMs: plan.monitorFirstMs },
    before: status?.trial,
    held: count.programmed > 0 && count.failed + count.pending + count.waiting === 0,
    nowMs: deps.clock.now(),
  });
  const stopped = stops(tried.judged.hash);
  const at = { count, view: there, status, generation: policy.generation };
  const stopsTooMuch = stoppedTooMuch(stopped, plan.maxStops, at);
  const rollout = { plan, count, stopsTooMuch, tried: "trial" in tried };
  try {
    const ensured = await ensureSet(policy, tried.judged, rollout, deps, signal);
    const sooner = Math.min(ensured.dueInMs, tried.dueInMs);
    const { trial } = tried;
    const verdict = judged.kind === "accepted" ? tried.judged : judged;
    return { verdict, ...ensured, ...(trial && { trial }), dueInMs: sooner };
  } catch (error) {
    if (!(error instanceof KubeError) || passing.includes(error.status)) throw error;
    if (error.status === 413) return { verdict: tooLarge(error, used.mode), view: there, dueInMs };
    return { verdict: judged, view: there, refusal: error, dueInMs };
  }
}

/** What a namespaced policy needs and its namespace has no more of. */
function takeQuota(
  { setName: name, object }: PolicyEntry,
  { sets }: Accepted,
  { quota }: PolicyDeps,
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

/** The state of each node that is to hold the policy, or holds its last accepted generation. */
function nodeStates(
  policy: PolicyEntry,
  view: SetView | undefined,
  deps: PolicyDeps,
): readonly NodeState[] {
  if (view === undefined) return [];
  const { fleet } = deps;
  const { setName } = policy;
  const there = fleet.set(setName);
  const echoed = there?.hash === view.hash && there.rollout?.share === view.rollout?.share;
  const set = { name: setName, hash: view.hash, mode: view.mode };
  const options = {
    nowMs: deps.clock.monotonic(),
    // Just written, and not seen yet: the two minutes start now.
    changedMs: echoed ? fleet.changedMs(setName) : deps.clock.monotonic(),
    unreachableMs: deps.unreachableMs,
    wasReady: there?.hash === view.hash && wasReady(policy, deps),
    modeOf: (hash: string) => fleet.modeOf(hash),
  };
  const states: NodeState[] = [];
  for (const name of fleet.nodesFor(view.nodes)) {
    const facts = fleet.factsOf(name);
    if (facts === undefined) continue;
    if (isTurnOf(setName, view.rollout, name)) {
      states.push(judgeNode(facts, set, options));
      continue;
    }
    const { node, kernel, arch, holds } = facts;
    const mode = fleet.modeOf(holds?.get(setName) ?? "");
    states.push({ node, kernel, arch, state: "waiting", ...(mode && { holds: mode }) });
  }
  return states;
}

/** Of a roll-out with nodes that are not to hold the newest content yet. */
function rolloutView(
  policy: PolicyEntry,
  view: SetView | undefined,
  { plan, nodes }: { readonly plan: RolloutWish; readonly nodes: readonly NodeState[] },
  { fleet, statuses }: PolicyDeps,
): RollOutView | undefined {
  const { rollout } = view ?? {};
  if (view === undefined || rollout === undefined || rollout.share >= wholeShare) return undefined;
  const { order, maxStops } = plan;
  const stops = stopsOf(policy.setName, view, view.hash, fleet);
  const status = statuses.current(policy);
  const at = { count: countStates(nodes), view, status, generation: policy.generation };
  const stopsTooMuch = stoppedTooMuch(stops, maxStops, at);
  // Of a roll-out that stays halted: what it stopped when that was seen.
  const before = stopsTooMuch ? (status?.rollout?.stops ?? 0) : 0;
  return {
    wave: rollout.share === 0 ? 0 : rollout.wave + 1,
    waves: Math.max(plan.waves.length, rollout.wave + 1),
    ...(order && { order }),
    ...(maxStops === undefined
      ? {}
      : { stops: Math.max(stops.count, before), maxStops, stopsTooMuch }),
  };
}

function wasReady(policy: PolicyEntry, deps: PolicyDeps): boolean {
  const status = deps.statuses.current(policy);
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  return ready?.status === "True" && ready.observedGeneration === policy.generation;
}

/** When something changes by itself: a node's time runs out, or Rego is asked again. */
function nextLook(
  judged: Judged,
  nodes: readonly NodeState[],
  nowMs: number,
  dueInMs: number,
): Outcome {
  let inMs = judged.kind === "unknown" ? Math.min(judgeAgainMs, dueInMs) : dueInMs;
  for (const one of nodes) {
    if (one.state === "pending") inMs = Math.min(inMs, Math.max(one.untilMs - nowMs, 0) + 1);
  }
  return inMs === Number.POSITIVE_INFINITY ? done : after(inMs);
}

function sooner(a: Outcome, b: Outcome): Outcome {
  if (a.kind === "after" && b.kind === "after") return after(Math.min(a.delayMs, b.delayMs));
  return a.kind === "after" ? a : b;
}

async function forgetPolicy(
  setName: string,
  deps: PolicyDeps,
  signal: AbortSignal,
): Promise<Outcome> {
  await deps.judgements.forget(setName, signal);
  deps.statuses.forget(setName);
  deps.sets.forget(setName);
  deps.quota.forget(setName);
  if (deps.fleet.set(setName) !== undefined) {
    await deleteObject(deps.connection, resourceOf("SelectorSet"), { name: setName }, signal);
  }
  return done;
}
