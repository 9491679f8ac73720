import {
  after,
  type Clock,
  deleteObject,
  done,
  type KubeConnection,
  type Outcome,
  stamp,
} from "@guardbee/kube";
import {
  allAtOnce,
  type PolicyStatus,
  parseRollout,
  type RolloutPlan,
  type RolloutWish,
  resourceOf,
  wholeShare,
} from "@guardbee/policy";
import type { Logger } from "pino";
import type { Fleet } from "../fleet/fleet.ts";
import type { PolicyEntry } from "../fleet/objects.ts";
import { RailNotReady } from "../rego/own-rails.ts";
import type { SetView } from "../rollout/ensure-set.ts";
import { stoppedTooMuch } from "../rollout/stops.ts";
import type { WrittenSets } from "../rollout/written-sets.ts";
import { countStates } from "../status/node-count.ts";
import type { NodeState } from "../status/node-state.ts";
import { rollUp } from "../status/roll-up.ts";
import type { RollOutView } from "../status/stages.ts";
import type { StatusWriter } from "../status/status-writer.ts";
import type { Judgements } from "./judgements.ts";
import type { NamespaceQuota } from "./namespace-quota.ts";
import { PolicyNodes } from "./policy-nodes.ts";
import { type Judged, putIntoForce, usedOf } from "./put-into-force.ts";

export type PolicyDeps = {
  readonly connection: KubeConnection;
  readonly fleet: Fleet;
  readonly judgements: Judgements;
  readonly sets: WrittenSets;
  readonly quota: NamespaceQuota;
  readonly covered: (setName: string) => boolean;
  readonly statuses: StatusWriter;
  readonly clock: Clock;
  readonly log: Logger;
  readonly unreachableMs: number;
  /** How changes reach nodes where a policy's annotations do not say. */
  readonly rollout: RolloutPlan;
};

/** Rego gave no answer: how soon it is asked again. */
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
  const plan = planOf(policy, deps);
  const nodes = new PolicyNodes(policy, deps);
  const given = await judge(policy, deps, signal);
  const inForce = await putIntoForce({ policy, judged: given, plan, nodes }, deps, signal);
  const { judged, view, refusal } = inForce;
  // Rolling up looks at every node; of a fleet that reports, only what can be written is worth it.
  const waitMs = deps.statuses.dueInMs(policy);
  if (refusal === undefined && waitMs > 0) return after(Math.min(waitMs, inForce.dueInMs));
  const states = nodes.states(view);
  const status = rollUp({
    generation: policy.generation,
    previous: deps.statuses.current(policy),
    judged,
    nodes: states,
    nowMs: deps.clock.now(),
    rollout: rolloutView(policy, view, plan, nodes),
    trial: inForce.trial,
    ...regoStatus(policy, { judged, distributed: refusal === undefined }, deps),
    unresolved: "unresolved" in judged ? judged.unresolved : undefined,
    undistributed: refusal?.message,
  });
  const outcome = await deps.statuses.write(policy, status, signal);
  if (refusal !== undefined) throw refusal; // again, with back-off
  const dueInMs = Math.min(inForce.dueInMs, deps.judgements.dueInMs(setName));
  return sooner(outcome, nextLook(judged, states, deps.clock.monotonic(), dueInMs));
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

/** The judgement of a policy, or why there is none for now. */
async function judge(
  policy: PolicyEntry,
  { judgements, log }: PolicyDeps,
  signal: AbortSignal,
): Promise<Judged> {
  try {
    const judged = await judgements.get(policy, signal);
    if (judged.kind === "unknown") {
      log.warn({ ref: policy.setName, reason: judged.message }, "policy cannot be judged");
    }
    return judged;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof RailNotReady) throw error; // again with back-off, and when it is compiled
    log.warn({ ref: policy.setName, err: error }, "policy cannot be judged");
    return { kind: "unknown", message: error instanceof Error ? error.message : String(error) };
  }
}

/** Of a roll-out with nodes that are not to hold the newest content yet. */
function rolloutView(
  policy: PolicyEntry,
  view: SetView | undefined,
  { order, maxStops, waves }: RolloutWish,
  nodes: PolicyNodes,
): RollOutView | undefined {
  const { rollout } = view ?? {};
  if (view === undefined || rollout === undefined || rollout.share >= wholeShare) return undefined;
  const stops = nodes.stops(view, view.hash);
  const status = nodes.status();
  const count = countStates(nodes.states(view));
  const at = { count, view, status, generation: policy.generation };
  const stopsTooMuch = stoppedTooMuch(stops, maxStops, at);
  // Of a roll-out that stays halted: what it stopped when that was seen.
  const before = stopsTooMuch ? (status?.rollout?.stops ?? 0) : 0;
  return {
    wave: rollout.share === 0 ? 0 : rollout.wave + 1,
    waves: Math.max(waves.length, rollout.wave + 1),
    ...(order && { order }),
    ...(maxStops === undefined
      ? {}
      : { stops: Math.max(stops.count, before), maxStops, stopsTooMuch }),
  };
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
