import { type ActionCause, actionCauses } from "../actions/index.ts";
import type { CauseName } from "../actions/kind.ts";
import { enums } from "../gen/layout.ts";
import type { Native } from "./native.ts";

/** What is known of a cause of loss, beside its name: a log and a metric's label have that. */
export type Cause = {
  /** What was lost, or for what there was no room. */
  readonly means: string;
  /** A policy asks for it. */
  readonly isAsked?: true;
  /** An event that its ring did not take: labels of the metric that counts those. */
  readonly missed?: { readonly event: string; readonly error: "full" | "share" | "rate" };
};

type KernelCause = CauseName<Exclude<keyof typeof enums.loss, "LOSS_OF_ACTIONS" | "LOSS_MAX">>;

/** Those of enum loss; what actions lose they say themselves. */
const kernelCauses = {
  ring_exec: full("exec", "the event of an exec"),
  ring_clone: full("clone", "the event of a clone"),
  ring_exit: full("exit", "the event of an exit"),
  ring_stop: full("stop", "the event of a call that was or would be stopped"),
  ring_post: full("post", "the event of a call that a policy only reports"),
  rate_exec: beyondRate("exec", "the event of an exec"),
  rate_clone: beyondRate("clone", "the event of a clone"),
  rate_exit: beyondRate("exit", "the event of an exit"),
  share_exec: beyondShare("exec", "the event of an exec"),
  share_clone: beyondShare("clone", "the event of a clone"),
  share_exit: beyondShare("exit", "the event of an exit"),
  share_stop: beyondShare("stop", "the event of a call that was or would be stopped"),
  share_post: beyondShare("post", "the event of a call that a policy only reports"),
  path_too_deep: { means: "a path that has more components than are walked" },
  process_storage: { means: "a process's record, for want of memory" },
  matches: { means: "the policies that matched a call beyond the number that is walked" },
  calls: {
    means: "a call: more of its hook were interrupted on one processor than it has memory for",
  },
  ring_data: {
    means: "a part of an argv or an environment that found its ring half full",
    missed: { event: "data", error: "full" },
  },
  return_full: { means: "what a call returned, in an event that could not be kept until then" },
  return_late: {
    means: "what a call returned whose policy changed meanwhile, so that its process was killed",
  },
  hash_full: {
    means:
      "the hash of a file, as 1,024 others were being made or memory was short: an event has none, and a rule that asks for a digest does as its `unknownDigest` says",
  },
} satisfies Readonly<Record<KernelCause, Cause>>;

export type LossCause = KernelCause | ActionCause;
/** How often each happened since the kernel maps were made; they outlive the agent. */
export type Losses = Readonly<Record<LossCause, bigint>>;

/** Every cause of loss by its name, in the order of their codes. */
export const causes: Readonly<Record<LossCause, Cause>> = { ...kernelCauses, ...actionCauses };
export const lossCauses = Object.keys(causes) as readonly LossCause[];

/** Where the map `losses` counts that cause. */
export function codeOf(cause: LossCause): number {
  const codes: Readonly<Record<string, number>> = { ...enums.loss, ...enums.action_loss };
  return codes[`LOSS_${cause.toUpperCase()}`]!;
}

/** Reads the per-CPU map `losses`. Throws KernelError. */
export function readLosses(native: Native, fd: number): Losses {
  const value = Buffer.alloc(8 * native.possibleCpus());
  const count = (index: number): bigint => {
    native.lookup(fd, Buffer.from(Uint32Array.of(index).buffer), value);
    let sum = 0n;
    for (let at = 0; at < value.length; at += 8) sum += value.readBigUInt64LE(at);
    return sum;
  };
  return Object.fromEntries(lossCauses.map((cause) => [cause, count(codeOf(cause))])) as Losses;
}

/** Those of rings and maps that had no room: not what policies ask for. */
export function withoutRoom(losses: Losses): ReadonlyMap<LossCause, number> {
  const unasked = lossCauses.filter((cause) => !causes[cause].isAsked);
  return new Map(unasked.map((cause) => [cause, Number(losses[cause])]));
}

function full(event: string, what: string): Cause {
  return {
    means: `${what} that found its ring full, or all of it but what is kept for stops`,
    missed: { event, error: "full" },
  };
}

function beyondRate(event: string, what: string): Cause {
  return { means: `${what} beyond --cgroup-rate`, missed: { event, error: "rate" } };
}

function beyondShare(event: string, what: string): Cause {
  const why =
    "whose pod (outside of pods, cgroup) had added its share of a ring that was more than half full";
  return { means: `${what} ${why}`, missed: { event, error: "share" } };
}
