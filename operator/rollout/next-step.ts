import { isDeepStrictEqual } from "node:util";
import {
  type LabelSelector,
  type RolloutOrder,
  type RolloutPlan,
  rolloutPosition,
  type Wave,
  wholeShare,
} from "@guardbee/policy";
import type { SetEntry, SetRollout } from "../fleet/objects.ts";
import { failuresHalt, lateMs, type WaveCount, waitsForNodes } from "./halt.ts";

/** Where a roll-out is; the previous content is a matter of who writes it. */
export type Stage = Pick<SetRollout, "wave" | "share" | "startedMs">;

export type Step =
  /** Nothing to write; look again then, or when a node reports. */
  | { readonly kind: "keep"; readonly dueInMs: number }
  /** The wanted content for every node. */
  | { readonly kind: "finish" }
  /** `previous`: the content that is there now, the one it has as previous, or nothing. */
  | {
      readonly kind: "stage";
      readonly stage: Stage;
      readonly previous: "current" | "previous" | "nothing";
    };

export type StepInput = {
  readonly there: SetEntry | undefined;
  readonly wanted: {
    readonly name: string;
    readonly hash: string;
    readonly nodes: LabelSelector | undefined;
  };
  readonly plan: RolloutPlan & { readonly order?: RolloutOrder };
  /** All that the policy selects. */
  readonly nodes: readonly string[];
  /** Of the nodes in the present wave. */
  readonly count: WaveCount;
  /** The new content stopped more calls than the plan allows; see `stoppedTooMuch`. */
  readonly stopsTooMuch: boolean;
  /** Wall time, in ms. */
  readonly nowMs: number;
};

/**
 * What is to be done next for a set to reach its nodes in waves. Pure. A wave is over when its
 * interval has passed and each of its nodes that can be reached holds the new content. Nodes that
 * cannot hold it, and more stops than allowed, halt the roll-out (halt.ts), unless `force` is
 * ordered. A change of the nodes that a policy selects goes out at once: a node cannot tell which of
 * two selectors picks it.
 */
export function nextStep(input: StepInput): Step {
  const { there, wanted, plan } = input;
  if (there?.hash !== wanted.hash) return begin(input);
  const { rollout } = there;
  if (rollout === undefined) return forever;
  if (plan.order === "undo") return rollout.share === 0 ? forever : stage(0, 0, input, "previous");
  if (rollout.share === 0) return firstWave(input, "previous");
  if (plan.order === "pause") return forever;
  return advance(input, rollout);
}

function begin(input: StepInput): Step {
  const { there, wanted, plan } = input;
  const back = there?.rollout?.previous?.hash === wanted.hash;
  const tampered = there?.hash === "";
  const sameNodes = there === undefined || isDeepStrictEqual(there.nodes, wanted.nodes);
  if (plan.waves.length === 1 || back || tampered || !sameNodes) return { kind: "finish" };
  if (there === undefined) return firstWave(input, "nothing");
  if (there.rollout === undefined) return firstWave(input, "current");
  return firstWave(input, there.rollout.previous === undefined ? "nothing" : "previous");
}

function firstWave(input: StepInput, previous: "current" | "previous" | "nothing"): Step {
  const { order, waves } = input.plan;
  const share = order === "undo" ? 0 : shareOf(waves[0]!, input);
  return stage(0, share, input, previous);
}

function advance(input: StepInput, rollout: SetRollout): Step {
  const { plan, count, nowMs } = input;
  const halted = failuresHalt(count) || input.stopsTooMuch;
  if (halted && plan.order !== "force") return forever;
  const lateInMs = rollout.startedMs + lateMs - nowMs;
  if (waitsForNodes(count, lateInMs <= 0)) {
    return lateInMs > 0 ? { kind: "keep", dueInMs: lateInMs } : forever;
  }
  // Without a node that holds it nothing is known about it.
  const proven = count.programmed > 0 || count.failed > 0 || rollout.share >= wholeShare;
  if (!proven) return moreNodes(input, rollout, lateInMs);
  const dueInMs = rollout.startedMs + plan.intervalMs - nowMs;
  if (dueInMs > 0) return { kind: "keep", dueInMs };
  if (rollout.share >= wholeShare) return { kind: "finish" };
  // In a small cluster some waves add no node.
  for (let wave = rollout.wave + 1; wave < plan.waves.length; wave++) {
    const share = shareOf(plan.waves[wave]!, input);
    if (share > rollout.share) return stage(wave, share, input, "previous");
  }
  return { kind: "finish" };
}

/**
 * Of a wave from which nobody answers. Nodes that are gone never will, so others take their place;
 * those that cannot be reached may come back, and get one more beside them when they are late.
 */
function moreNodes(input: StepInput, { wave, share }: SetRollout, lateInMs: number): Step {
  const { plan, nodes, wanted } = input;
  const positions = nodes.map((node) => rolloutPosition(wanted.name, node)).sort((a, b) => a - b);
  if (!positions.some((position) => position < share)) {
    const same = plan.waves[wave] ?? plan.waves[0]!; // the plan may have been edited
    return stage(wave, shareOf(same, input), input, "previous");
  }
  const next = positions.find((position) => position >= share);
  if (next === undefined) return forever;
  if (lateInMs > 0) return { kind: "keep", dueInMs: lateInMs };
  return stage(wave, next + 1, input, "previous");
}

function stage(
  wave: number,
  share: number,
  { nowMs }: StepInput,
  previous: "current" | "previous" | "nothing",
): Step {
  return { kind: "stage", stage: { wave, share, startedMs: nowMs }, previous };
}

/** The share below which the wave's number of nodes stand. */
function shareOf(wave: Wave, { nodes, wanted }: StepInput): number {
  const number =
    wave.kind === "nodes" ? wave.count : Math.ceil((nodes.length * wave.percent) / 100);
  if (number >= nodes.length) return wholeShare;
  const positions = nodes.map((node) => rolloutPosition(wanted.name, node));
  return positions.sort((a, b) => a - b)[number - 1]! + 1;
}

const forever: Step = { kind: "keep", dueInMs: Number.POSITIVE_INFINITY };
