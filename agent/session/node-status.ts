import type { ExceptionReason, NodePolicySetStatus } from "@guardbee/policy";
import { nodeDigest, objectOf, stepBelow } from "@guardbee/policy/sets";
import type { KernelFeatures, NamedSet, SetState } from "../engine.ts";
import type { Late } from "../scope/late-pods.ts";
import type { Unreached } from "../scope/unreached.ts";
import type { Missed } from "./misses.ts";
import type { NodeSet } from "./node-set.ts";
import type { SetContent } from "./set-contents.ts";
import type { StopTotals } from "./stops.ts";
import { messageOf, type RefusedVersion } from "./versions.ts";

export type NodeStatus = NodePolicySetStatus;

type Exception = NonNullable<NodePolicySetStatus["exceptions"]>[number] & {
  readonly reason: ExceptionReason;
};

/** Exceptions listed in a status; the rest is counted. */
const EXCEPTIONS_MAX = 50;
const STOPS_MAX = 50;
const LATE_MAX = 50;
/** A verifier's log may be long; its end says why. */
const MESSAGE_MAX = 1_024;

/** Why a set that is in the kernel does not hold as it should. */
export type NotHeld =
  | Unreached
  | Missed
  | { readonly reason: "Tampered"; readonly message: string };

export type NodeFacts = {
  readonly nodeSet: NodeSet;
  /** What the engine made of the sets it was given last. */
  readonly states: readonly SetState[];
  readonly content: (name: string) => SetContent | undefined;
  /** Why its content is not in force, and the version before is. */
  readonly refusal: (name: string) => RefusedVersion | undefined;
  /** Why a set is not in force as the cluster has it: somebody changed that on this node. */
  readonly changed: (set: NamedSet) => string | undefined;
  /** Pods that came while no agent ran. */
  readonly late: Late;
  /** Of a set in the kernel, why it does not hold everywhere. */
  readonly unreached: ReadonlyMap<string, NotHeld>;
  /** Of one content of an object. */
  readonly stopsOf: (name: string, hash: string) => StopTotals;
  /** There may be more than those. */
  readonly stopsUnread: boolean;
  /** How often something of ours in the kernel was found changed or gone, and when last. */
  readonly tampered: { readonly count: number; readonly at: Date } | undefined;
  /** Processes that were taken out of their pods: at least so many. */
  readonly moved: number;
  /** Why nobody notices that; undefined: somebody does. */
  readonly movesUnseen: string | undefined;
  /** What the kernel had no room for. */
  readonly losses: NonNullable<NodePolicySetStatus["losses"]>;
  readonly kernel: KernelFeatures;
  readonly agentVersion: string;
};

/** What this node reports: one digest over all that is programmed, and only what is not, by name. */
export function nodeStatus(facts: NodeFacts): NodeStatus {
  const { nodeSet, tampered, moved, movesUnseen, losses, kernel, agentVersion } = facts;
  const states = byObject(facts.states);
  const unreached = new Set([...facts.unreached.keys()].map(objectOf));
  const inForce = held(facts, states).filter(({ name }) => !unreached.has(name));
  const hashes = new Map(inForce.map(({ name, hash }) => [name, hash]));
  const failed: Exception[] = [];
  const pending: Exception[] = [];
  for (const name of nodeSet.sets) {
    const verdict = judge(name, facts, states.get(name) ?? []);
    if (verdict === "programmed") continue;
    // What holds of it instead is no version of it.
    const isChanged = verdict.reason === "ChangedOnNode";
    const exception = isChanged ? verdict : withBefore(verdict, hashes.get(name));
    (verdict.state === "failed" ? failed : pending).push(exception);
  }
  const exceptions = [...failed, ...pending];
  const listed = exceptions.slice(0, EXCEPTIONS_MAX);
  const omitted = exceptions.length - listed.length;
  return {
    observedGeneration: nodeSet.generation,
    // Over what is in the kernel, listed or not: one that should be gone must show too.
    digest: nodeDigest(inForce),
    sets: {
      programmed: nodeSet.sets.length - exceptions.length,
      failed: failed.length,
      pending: pending.length,
    },
    ...(listed.length === 0 ? {} : { exceptions: listed }),
    ...(omitted === 0 ? {} : { exceptionsOmitted: omitted }),
    ...stopsIn(facts),
    ...lateIn(facts.late),
    ...(tampered === undefined
      ? {}
      : { tampered: { count: stepBelow(tampered.count), lastTime: toTheMinute(tampered.at) } }),
    ...(moved === 0 ? {} : { moved }),
    ...(movesUnseen === undefined ? {} : { movesUnseen: cut(movesUnseen) }),
    ...(losses.length === 0 ? {} : { losses }),
    kernel: { release: kernel.release, arch: kernel.arch, features: [...kernel.features] },
    agentVersion,
  };
}

function lateIn({ pods, sets }: Late): Pick<NodeStatus, "latePods" | "late"> {
  const counts = new Map<string, number>();
  for (const [name, count] of sets) {
    const object = objectOf(name);
    counts.set(object, Math.max(counts.get(object) ?? 0, count));
  }
  const late = [...counts].map(([set, its]) => ({ set, pods: its }));
  late.sort((a, b) => b.pods - a.pods || (a.set < b.set ? -1 : 1));
  return {
    ...(pods === 0 ? {} : { latePods: pods }),
    ...(late.length === 0 ? {} : { late: late.slice(0, LATE_MAX) }),
  };
}

/** Of the sets that are watched for it: the first fifty that stopped something, and how many more may have. */
function stopsIn({
  nodeSet,
  content,
  stopsOf,
  stopsUnread,
}: NodeFacts): Pick<NodeStatus, "stops" | "stopsOmitted"> {
  const watched = nodeSet.sets.flatMap((set) => {
    const found = content(set);
    if (found?.state !== "read" || found.object.countStops !== true) return [];
    const { hash } = found.object;
    const { count, ofProtected } = stopsOf(set, hash);
    return [{ set, hash, count, ...(ofProtected === 0 ? {} : { ofProtected }) }];
  });
  const stops = watched.filter(({ count, ofProtected = 0 }) => count + ofProtected > 0);
  const listed = stops.slice(0, STOPS_MAX);
  const omitted = (stopsUnread ? watched : stops).length - listed.length;
  return {
    ...(listed.length === 0 ? {} : { stops: listed }),
    ...(omitted > 0 ? { stopsOmitted: omitted } : {}),
  };
}

/** Objects of which every set is in the kernel at one hash; of no set, those that are known. */
function held(
  { nodeSet, content }: NodeFacts,
  states: ReadonlyMap<string, readonly SetState[]>,
): { readonly name: string; readonly hash: string }[] {
  const whole = [...states].flatMap(([name, all]) => {
    const { hash } = all[0]!;
    const same = all.every((one) => one.state === "programmed" && one.hash === hash);
    return same ? [{ name, hash }] : [];
  });
  const empty = nodeSet.sets.flatMap((name) => {
    const found = content(name);
    const none = found?.state === "read" && found.object.sets.length === 0 && !states.has(name);
    return none ? [{ name, hash: found.object.hash }] : [];
  });
  return [...whole, ...empty];
}

function byObject(all: readonly SetState[]): ReadonlyMap<string, readonly SetState[]> {
  return Map.groupBy(all, ({ name }) => objectOf(name));
}

/** `holds`: the content in force instead. */
function withBefore(exception: Exception, holds: string | undefined): Exception {
  const { hash, state, message } = exception;
  if (holds === undefined || holds === hash) return exception;
  const stays = state === "failed" ? "the version before stays in force; " : "";
  return { ...exception, message: cut(`${stays}${message}`), holds };
}

function judge(
  name: string,
  facts: NodeFacts,
  states: readonly SetState[],
): "programmed" | Exception {
  const content = facts.content(name);
  if (content === undefined) {
    const message = `SelectorSet ${name} is not here yet`;
    return { set: name, hash: "", state: "pending", reason: "NotFound", message };
  }
  if (content.state === "unusable") {
    const { hash, message } = content;
    return { set: name, hash, state: "failed", reason: "LoadFailed", message: cut(message) };
  }
  const { hash, sets } = content.object;
  const refusal = facts.refusal(name);
  if (refusal !== undefined) {
    const { reason, message } = refusal;
    return { set: name, hash, state: "failed", reason, message: cut(message) };
  }
  const [changed] = sets.flatMap((one) => facts.changed(one) ?? []);
  if (changed !== undefined) {
    return { set: name, hash, state: "failed", reason: "ChangedOnNode", message: changed };
  }
  const known = new Set(states.map((one) => one.name));
  const current = states.every((one) => one.hash === hash) && states.length === sets.length;
  if (!current || !sets.every((one) => known.has(one.name))) {
    const message = "is being programmed";
    return { set: name, hash, state: "pending", reason: "Programming", message };
  }
  const lacking = states.find((one) => one.state === "failed");
  if (lacking?.state !== "failed") {
    const [unreached] = sets.flatMap((one) => facts.unreached.get(one.name) ?? []);
    if (unreached === undefined) return "programmed";
    const { reason, message } = unreached;
    return { set: name, hash, state: "failed", reason, message: cut(message) };
  }
  const { reason } = lacking;
  return { set: name, hash, state: "failed", reason, message: cut(messageOf(lacking)) };
}

/** So that a node on which somebody goes on reports once a minute. */
function toTheMinute(at: Date): string {
  return at.toISOString().replace(/:\d\d\.\d+Z$/, ":00Z");
}

function cut(message: string): string {
  return message.length <= MESSAGE_MAX ? message : `…${message.slice(1 - MESSAGE_MAX)}`;
}
