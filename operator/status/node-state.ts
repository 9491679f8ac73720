import type { Mode } from "@guardbee/policy";
import type { NodeFacts } from "../fleet/node-report.ts";

/** What one node makes of one policy. */
export type NodeState = {
  readonly node: string;
  readonly kernel: string;
  readonly arch: string;
} /**
 * `takesInt80`: its kernel takes 32-bit system calls. `tampered`: somebody changed what was in its
 * kernel, and it was put right. `latePods`: came while no agent ran.
 */ & (
  | {
      readonly state: "programmed";
      readonly mode: Mode;
      readonly takesInt80?: boolean;
      readonly latePods?: number;
      readonly tampered?: boolean;
    }
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

/** What a node's report says of a set by itself: undefined where it leaves that open. Pure. */
export function stateByReport(
  { report, holds }: Pick<NodeFacts, "report" | "holds">,
  set: Pick<WantedSet, "name" | "hash">,
):
  | { readonly state: "programmed" }
  | { readonly state: "failed"; readonly reason: string; readonly message: string }
  | undefined {
  const exception = report?.exceptions.find((one) => one.set === set.name);
  if (exception?.state === "failed" && exception.hash === set.hash) {
    const { reason, message } = exception;
    return { state: "failed", reason, message };
  }
  return holds?.get(set.name) === set.hash ? { state: "programmed" } : undefined;
}

/** The state of `set` on a node that is to hold it now. Pure. */
export function nodeState(
  facts: NodeFacts,
  set: WantedSet,
  options: NodeStateOptions,
): Exclude<NodeState, { readonly state: "waiting" }> {
  const { node, kernel, arch, report } = facts;
  const is = { node, kernel, arch };
  const latePods = report?.late?.find((one) => one.set === set.name)?.pods;
  const beside = {
    ...(report?.takesInt80 === true ? { takesInt80: true } : {}),
    ...(report?.tampered === true ? { tampered: true } : {}),
    ...(latePods === undefined ? {} : { latePods }),
  };
  const programmed = { ...is, state: "programmed", mode: set.mode, ...beside } as const;
  const said = stateByReport(facts, set);
  if (said?.state === "programmed") return programmed;
  const held = facts.holds?.get(set.name);
  const older = held === undefined ? undefined : options.modeOf(held);
  const holds = older === undefined ? {} : { holds: older };
  if (said !== undefined) return { ...is, ...said, ...holds };
  const untilMs = Math.max(facts.heardMs, options.changedMs) + options.unreachableMs;
  const silent = options.nowMs >= untilMs;
  const excepted = report?.exceptions.some((one) => one.set === set.name) === true;
  const open = report?.digest !== undefined && facts.holds === undefined && !excepted;
  // One of those that are not listed may be this one, and no time makes that better.
  if (open && (report.exceptionsOmitted ?? 0) > 0 && facts.ready) {
    return { ...is, state: "pending", untilMs: Number.POSITIVE_INFINITY };
  }
  if (open && options.wasReady && !silent) return programmed;
  if (!facts.ready || silent) return { ...is, state: "unreachable" };
  return { ...is, state: "pending", untilMs, ...holds };
}
