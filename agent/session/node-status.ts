import { type NodePolicySetStatus, nodeDigest } from "@guardbee/policy";
import type { KernelFeatures, SetState } from "../kernel/engine.ts";
import type { NodeSet } from "./node-set.ts";
import type { SetContent } from "./set-contents.ts";

export type NodeStatus = NodePolicySetStatus;

type Exception = NonNullable<NodePolicySetStatus["exceptions"]>[number];

/** Exceptions listed in a status; the rest is counted. */
const EXCEPTIONS_MAX = 50;
/** A verifier's log may be long; its end says why. */
const MESSAGE_MAX = 1_024;

export type NodeFacts = {
  readonly nodeSet: NodeSet;
  /** What the engine made of the sets it was given last. */
  readonly states: readonly SetState[];
  readonly content: (name: string) => SetContent | undefined;
  readonly kernel: KernelFeatures;
  readonly agentVersion: string;
};

/** What this node reports: one digest over all that is programmed, and only what is not, by name. */
export function nodeStatus(facts: NodeFacts): NodeStatus {
  const { nodeSet, kernel, agentVersion } = facts;
  const states = new Map(facts.states.map((state) => [state.name, state]));
  const inKernel = facts.states.filter(({ state }) => state === "programmed");
  const failed: Exception[] = [];
  const pending: Exception[] = [];
  for (const name of nodeSet.sets) {
    const verdict = judge(name, facts.content(name), states.get(name));
    if (verdict !== "programmed") (verdict.state === "failed" ? failed : pending).push(verdict);
  }
  const exceptions = [...failed, ...pending];
  const listed = exceptions.slice(0, EXCEPTIONS_MAX);
  const omitted = exceptions.length - listed.length;
  return {
    observedGeneration: nodeSet.generation,
    // Over what is in the kernel, listed or not: one that should be gone must show too.
    digest: nodeDigest(inKernel),
    sets: {
      programmed: nodeSet.sets.length - exceptions.length,
      failed: failed.length,
      pending: pending.length,
    },
    ...(listed.length === 0 ? {} : { exceptions: listed }),
    ...(omitted === 0 ? {} : { exceptionsOmitted: omitted }),
    kernel: { release: kernel.release, arch: kernel.arch, features: [...kernel.features] },
    agentVersion,
  };
}

function judge(
  name: string,
  content: SetContent | undefined,
  state: SetState | undefined,
): "programmed" | Exception {
  if (content === undefined) {
    const message = `SelectorSet ${name} is not here yet`;
    return { set: name, hash: "", state: "pending", reason: "NotFound", message };
  }
  if (content.state === "unusable") {
    const { hash, message } = content;
    return { set: name, hash, state: "failed", reason: "LoadFailed", message: cut(message) };
  }
  const { hash } = content.set;
  if (state?.hash !== hash) {
    const message = "is being programmed";
    return { set: name, hash, state: "pending", reason: "Programming", message };
  }
  if (state.state === "programmed") return "programmed";
  const { reason, message } = state;
  return { set: name, hash, state: "failed", reason, message: cut(message) };
}

function cut(message: string): string {
  return message.length <= MESSAGE_MAX ? message : `…${message.slice(1 - MESSAGE_MAX)}`;
}
