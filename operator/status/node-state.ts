import type { Mode } from "@guardbee/policy";
import type { NodeFacts } from "../fleet/node-report.ts";

/** What one node makes of one policy. */
export type NodeState = {
  readonly node: string;
  readonly kernel: string;
  readonly arch: string;
} /** `takesInt80`: its kernel takes 32-bit system calls. */ & (
  | { readonly state: "programmed"; readonly mode: Mode; readonly takesInt80?: boolean }
  /** Not in force there, or not in all pods. `holds`: the mode of an older version that is. */
  | {
      readonly state: "failed";
      readonly reason: string;
      readonly message: string;
      readonly holds?: Mode;
    }
  /** To report until `untilMs` (monotonic). `holds`: the mode of an older version in force there. */
  | { readonly state: "pending"; readonly untilMs: number; readonly holds?: Mode }
  /** Not to hold the newest content before its wave of a roll-out. `holds`: the mode until then. */
  | { readonly state: "waiting"; readonly holds?: Mode }
  /** Silent for too long, or NotReady; it does not hold up the rest. */
  | { readonly state: "unreachable" }
);

/** A set as one node should hold it. */
export type WantedSet = { readonly name: string; readonly hash: string; readonly mode: Mode };

export type NodeStateOptions = {
  readonly nowMs: number;
  /** When the set last changed (monotonic). */
  readonly changedMs: number;
  readonly unreachableMs: number;
  /** The policy was Ready with this very hash: an unknown digest is then no reason to doubt it. */
  readonly wasReady: boolean;
  /** The mode of an earlier content of a set. */
  readonly modeOf: (hash: string) => Mode | undefined;
};

/** The state of `set` on a node that is to hold it now. Pure. */
export function nodeState(
  facts: NodeFacts,
  set: WantedSet,
  options: NodeStateOptions,
): Exclude<NodeState, { readonly state: "waiting" }> {
  const { node, kernel, arch, report } = facts;
  const takes = report?.takesInt80 === true ? { takesInt80: true } : {};
  const exception = report?.exceptions.find((one) => one.set === set.name);
  const fails = exception?.state === "failed" && exception.hash === set.hash;
  const held = facts.holds?.get(set.name);
  if (!fails && held === set.hash) {
    return { node, kernel, arch, state: "programmed", mode: set.mode, ...takes };
  }
  const is = { node, kernel, arch };
  const older = held === undefined ? undefined : options.modeOf(held);
  const holds = older === undefined ? {} : { holds: older };
  if (fails) {
    const { reason, message } = exception;
    return { ...is, state: "failed", reason, message, ...holds };
  }
  const untilMs = Math.max(facts.heardMs, options.changedMs) + options.unreachableMs;
  const silent = options.nowMs >= untilMs;
  const digestUnknown = report?.digest !== undefined && facts.holds === undefined;
  // One of those that are not listed may be this one, and no time makes that better.
  const mayBeOmitted = digestUnknown && (report.exceptionsOmitted ?? 0) > 0;
  if (mayBeOmitted && exception === undefined && facts.ready) {
    return { ...is, state: "pending", untilMs: Number.POSITIVE_INFINITY };
  }
  if (options.wasReady && digestUnknown && exception === undefined && !silent) {
    return { ...is, state: "programmed", mode: set.mode, ...takes };
  }
  if (!facts.ready || silent) return { ...is, state: "unreachable" };
  return { ...is, state: "pending", untilMs, ...holds };
}
