import {
  after,
  apiVersion,
  applyObject,
  type Clock,
  deleteObject,
  done,
  type KubeConnection,
  KubeError,
  type Outcome,
  resources,
} from "@guardbee/kube";
import type { PolicyStatus, Problem } from "@guardbee/policy";
import type { Logger } from "pino";
import type { Fleet } from "../fleet/fleet.ts";
import type { PolicyEntry } from "../fleet/objects.ts";
import { judgeNode, type NodeState } from "../status/node-state.ts";
import { rollUp, type Verdict } from "../status/roll-up.ts";
import { fieldManager, type StatusWriter } from "../status/status-writer.ts";
import type { Judgement } from "./judge.ts";

export type PolicyDeps = {
  readonly connection: KubeConnection;
  readonly fleet: Fleet;
  /** The judgement of a policy's generation; throws when Rego gives no answer. */
  readonly judge: (policy: PolicyEntry, signal: AbortSignal) => Promise<Judgement>;
  /** When `judge` is to be asked again though nothing changed; Infinity: never. */
  readonly dueInMs: (setName: string) => number;
  readonly forget: (setName: string, signal: AbortSignal) => Promise<void>;
  readonly statuses: StatusWriter;
  readonly clock: Clock;
  readonly log: Logger;
  readonly unreachableMs: number;
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
  const judged = await judgeOrWait(policy, deps, signal);
  const settled = await ensureSet(policy, judged, deps, signal);
  // Rolling up looks at every node; of a fleet that reports, only what can be written is worth it.
  const waitMs = deps.statuses.dueInMs(policy);
  if (waitMs > 0) return after(waitMs);
  const nodes = nodeStates(policy, settled, deps);
  const status = rollUp({
    generation: policy.generation,
    previous: deps.statuses.current(policy),
    verdict: settled,
    nodes,
    nowMs: deps.clock.now(),
    ...regoStatus(policy, settled, deps),
    unresolved: "unresolved" in settled ? settled.unresolved : undefined,
  });
  const outcome = await deps.statuses.write(policy, status, signal);
  return sooner(outcome, nextLook(settled, nodes, deps.clock.monotonic(), deps.dueInMs(setName)));
}

/** What a RegoPolicy shows beside its conditions, and what guard rails made of any policy. */
function regoStatus(
  policy: PolicyEntry,
  judged: Judged,
  deps: PolicyDeps,
): Pick<PolicyStatus, "rego" | "guardRails"> {
  const guardRails = "notes" in judged ? judged.notes : undefined;
  const notes = guardRails === undefined ? {} : { guardRails };
  if (policy.resource.group !== "guardbee.io") return notes;
  const { held: _held, ...before } = deps.statuses.current(policy)?.rego ?? {};
  if (judged.kind !== "accepted" && judged.kind !== "guards") {
    const held = judged.kind === "refused" ? judged.held : undefined;
    const rego = { ...before, ...(held === undefined ? {} : { held }) };
    return Object.keys(rego).length === 0 ? notes : { ...notes, rego };
  }
  const result = judged.kind === "accepted" ? judged.hash : judged.rego.digest;
  const changed = before.result !== result;
  const nowAt = new Date(deps.clock.now()).toISOString().replace(/\.\d+Z$/, "Z");
  const inputsChangedAt = changed ? nowAt : (before.inputsChangedAt ?? nowAt);
  const digests = result === undefined ? {} : { result };
  return { ...notes, rego: { ...judged.rego, ...digests, inputsChangedAt } };
}

type Judged = Judgement | Extract<Verdict, { kind: "unknown" }>;

async function judgeOrWait(
  policy: PolicyEntry,
  deps: PolicyDeps,
  signal: AbortSignal,
): Promise<Judged> {
  try {
    return await deps.judge(policy, signal);
  } catch (error) {
    signal.throwIfAborted();
    deps.log.warn({ ref: policy.setName, err: error }, "policy cannot be judged");
    return { kind: "unknown", message: error instanceof Error ? error.message : String(error) };
  }
}

/** Writes the set if its content, or the identity of its owner, is not what is there. */
async function ensureSet(
  policy: PolicyEntry,
  judged: Judged,
  deps: PolicyDeps,
  signal: AbortSignal,
): Promise<Judged> {
  if (judged.kind !== "accepted") return judged; // what was accepted before stays in force
  const { setName, resource, uid } = policy;
  const there = deps.fleet.set(setName);
  const ownerUid = resource.namespaced ? undefined : uid;
  if (there?.hash === judged.hash && there.ownerUid === ownerUid) return judged;
  const { name } = policy.object.metadata;
  const owner = { apiVersion: apiVersion(resource), kind: resource.kind, name, uid };
  const metadata = {
    name: setName,
    labels: { "app.kubernetes.io/managed-by": fieldManager },
    // An owner in a namespace cannot own a cluster object; forgetPolicy is what cleans up there.
    ...(resource.namespaced ? {} : { ownerReferences: [owner] }),
  };
  const object = { metadata, spec: { hash: judged.hash, sets: judged.sets } };
  const target = { resource: resources.selectorSet, object };
  try {
    await applyObject(deps.connection, target, { fieldManager, force: true }, signal);
    return judged;
  } catch (error) {
    if (!(error instanceof KubeError) || ![400, 413, 422].includes(error.status)) throw error;
    return refusedByServer(error, judged); // it will say the same tomorrow
  }
}

function refusedByServer(error: KubeError, { mode }: { readonly mode: Verdict["kind"] | string }) {
  const problem: Problem = {
    field: "spec",
    what: `lowers to a SelectorSet that the API server refuses (${error.message.slice(0, 500)})`,
    fix: "split the policy",
    kind: "unsupported",
  };
  const requested = mode === "monitor" ? "monitor" : "enforce";
  return { kind: "refused", reason: "NotSupported", problems: [problem], mode: requested } as const;
}

/** The state of each node that is to hold the policy, or holds its last accepted generation. */
function nodeStates(policy: PolicyEntry, judged: Judged, deps: PolicyDeps): readonly NodeState[] {
  const { fleet } = deps;
  const there = fleet.set(policy.setName);
  const wanted =
    judged.kind === "accepted"
      ? { hash: judged.hash, mode: judged.mode, nodes: judged.nodes }
      : there;
  if (wanted === undefined) return [];
  const set = { name: policy.setName, hash: wanted.hash, mode: wanted.mode };
  const options = {
    nowMs: deps.clock.monotonic(),
    // Just written, and not seen yet: the two minutes start now.
    changedMs:
      there?.hash === wanted.hash ? fleet.changedMs(policy.setName) : deps.clock.monotonic(),
    unreachableMs: deps.unreachableMs,
    wasReady: there?.hash === wanted.hash && wasReady(policy, deps),
    modeOf: (hash: string) => fleet.modeOf(hash),
  };
  return fleet.nodesFor(wanted.nodes).flatMap((name) => {
    const facts = fleet.factsOf(name);
    return facts === undefined ? [] : [judgeNode(facts, set, options)];
  });
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
  await deps.forget(setName, signal);
  deps.statuses.forget(setName);
  if (deps.fleet.set(setName) !== undefined) {
    await deleteObject(deps.connection, resources.selectorSet, { name: setName }, signal);
  }
  return done;
}
