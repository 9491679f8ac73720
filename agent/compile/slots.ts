import type { Arg, Condition } from "@guardbee/policy";
import { layout } from "./layout.ts";
import type { AttachPoint, PlannedHook } from "./plan.ts";

/** One reading of an argument, shared by every hook of the attach point that reads it the same. */
export type Slot = {
  readonly type: keyof typeof layout.argType;
  readonly index: number;
  readonly sizeIndex: number;
  match: number;
  followBlock: number;
};

/** The slots of an attach point, and for each hook which slot is which argument. */
export type Slots = {
  readonly slots: readonly Slot[];
  readonly ofHook: ReadonlyMap<PlannedHook, HookSlots>;
  readonly followBlocks: number;
};
export type HookSlots = {
  readonly args: readonly number[];
  /** Slots whose descriptor must be followed for the whole hook to count. */
  readonly followed: readonly number[];
};

/** Assigns slots in the order of first use; throws RangeError when there are more than slotsMax. */
export function assignSlots(point: AttachPoint): Slots {
  const slots: Slot[] = [];
  const ofHook = new Map<PlannedHook, HookSlots>();
  const slotFor = (type: Slot["type"], arg: Arg): number => {
    const sizeIndex = arg.returnCopy ? layout.sizeIsReturn : (arg.sizeArgIndex ?? 0);
    const same = slots.findIndex(
      (s) => s.type === type && s.index === arg.index && s.sizeIndex === sizeIndex,
    );
    if (same >= 0) return same;
    slots.push({ type, index: arg.index, sizeIndex, match: 0, followBlock: 0 });
    return slots.length - 1;
  };
  for (const planned of point.hooks) {
    const { hook } = planned;
    const args = hook.args.map((arg) => slotFor(arg.type, arg));
    for (const selector of planned.selectors) {
      for (const condition of selector.conditions) {
        if (condition.by === "arg")
          slots[args[condition.arg]!]!.match |= matchOf(hook.args, condition);
      }
    }
    ofHook.set(planned, { args, followed: followedSlots(planned, args, slotFor) });
  }
  if (slots.length > layout.slotsMax) {
    throw new RangeError(
      `${point.symbol}: its policies read arguments in ${slots.length} ways; the engine has ${layout.slotsMax}`,
    );
  }
  let followBlocks = 0;
  const followed = new Set([...ofHook.values()].flatMap((hook) => hook.followed));
  for (const number of [...followed].sort((a, b) => a - b)) {
    slots[number]!.match |= layout.match.followed;
    slots[number]!.followBlock = followBlocks++;
  }
  return { slots, ofHook, followBlocks };
}

/** Every `fd` argument of a set that follows, and the descriptor that UnfollowFD or CopyFD names. */
function followedSlots(
  planned: PlannedHook,
  args: readonly number[],
  slotFor: (type: "fd", arg: Arg) => number,
): number[] {
  const followed = new Set<number>();
  for (const [position, arg] of planned.hook.args.entries()) {
    if (arg.type === "fd" && planned.follows) followed.add(args[position]!);
  }
  for (const action of planned.selectors.flatMap((selector) => selector.actions)) {
    if (action.action === "UnfollowFD" || action.action === "CopyFD") {
      followed.add(slotFor("fd", planned.hook.args[action.fd]!));
    }
  }
  return [...followed];
}

/** Whether arguments of this type are compared and reported as numbers. */
export function isNumber(type: Arg["type"]): boolean {
  return type !== "file" && type !== "fd" && type !== "char_buf";
}

function matchOf(args: readonly Arg[], condition: Condition & { by: "arg" }): number {
  if (isNumber(args[condition.arg]!.type)) return layout.match.number;
  return condition.op === "Prefix" || condition.op === "NotPrefix"
    ? layout.match.prefix
    : layout.match.equal;
}
