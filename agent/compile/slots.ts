import type { Arg, Condition } from "@guardbee/policy";
import { enums } from "../gen/layout.ts";
import type { argCodes } from "./codes.ts";
import type { AttachPoint, PlannedHook } from "./plan.ts";

/** One reading of an argument, shared by every hook of the attach point that reads it the same. */
export type Slot = {
  readonly type: keyof typeof argCodes;
  readonly index: number;
  readonly sizeIndex: number;
  match: number;
  followBlock: number;
};

/** The slots of an attach point, and for each hook which slot is which argument. */
export type Slots = {
  /** Those that are compared come first; the rest is read for events and actions alone. */
  readonly slots: readonly Slot[];
  readonly comparedCount: number;
  readonly ofHook: ReadonlyMap<PlannedHook, HookSlots>;
  readonly followBlocks: number;
};
export type HookSlots = {
  readonly args: readonly number[];
  /** Slots whose descriptor must be followed for the whole hook to count. */
  readonly followed: readonly number[];
};

/** Assigns slots in the order of first use, those that are compared before the others. */
export function assignSlots(point: AttachPoint): Slots {
  const found = new Map<string, Slot>();
  const slotFor = (type: Slot["type"], arg: Arg): Slot => {
    const sizeIndex = arg.returnCopy ? enums.size_index.SIZE_IS_RETURN : (arg.sizeArgIndex ?? 0);
    const slot = { type, index: arg.index, sizeIndex, match: 0, followBlock: 0 };
    const known = found.get(slotKey(slot));
    if (known === undefined) found.set(slotKey(slot), slot);
    return known ?? slot;
  };
  const ofHook = point.hooks.map((planned) => {
    const args = planned.hook.args.map((arg) => slotFor(arg.type, arg));
    for (const condition of planned.selectors.flatMap((selector) => selector.conditions)) {
      if (condition.by === "arg")
        args[condition.arg]!.match |= matchOf(planned.hook.args, condition);
    }
    const followed = followedSlots(planned, args, slotFor);
    for (const slot of followed) slot.match |= enums.slot_match.MATCH_FOLLOWED;
    return [planned, { args, followed }] as const;
  });
  const all = [...found.values()];
  const compared = all.filter(isCompared);
  const slots = [...compared, ...all.filter((slot) => !isCompared(slot))];
  let followBlocks = 0;
  for (const slot of slots) {
    if (slot.match & enums.slot_match.MATCH_FOLLOWED) slot.followBlock = followBlocks++;
  }
  const numberOf = new Map(slots.map((slot, number) => [slot, number]));
  const numbers = (some: readonly Slot[]) => some.map((slot) => numberOf.get(slot)!);
  return {
    slots,
    comparedCount: compared.length,
    ofHook: new Map(
      ofHook.map(([planned, { args, followed }]) => [
        planned,
        { args: numbers(args), followed: numbers(followed) },
      ]),
    ),
    followBlocks,
  };
}

/** Equal for two readings that one slot can serve. */
export function slotKey({ type, index, sizeIndex }: Slot): string {
  return `${type} ${index} ${sizeIndex}`;
}

/** Whether some selector depends on the value. */
export function isCompared({ match }: Slot): boolean {
  return match !== 0;
}

/** Throws RangeError when the engine has fewer slots. */
export function checkSlots({ symbol }: AttachPoint, { slots, comparedCount }: Slots): void {
  if (comparedCount > enums.engine_limit.SLOTS_MAX) {
    throw new RangeError(
      `${symbol}: its policies compare arguments in ${comparedCount} ways; the engine has ${enums.engine_limit.SLOTS_MAX}`,
    );
  }
  if (slots.length > enums.engine_limit.READINGS_MAX) {
    throw new RangeError(
      `${symbol}: its policies read arguments in ${slots.length} ways; the engine has ${enums.engine_limit.READINGS_MAX}`,
    );
  }
}

/** Every `fd` argument of a set that follows, and the descriptor that UnfollowFD or CopyFD names. */
function followedSlots(
  planned: PlannedHook,
  args: readonly Slot[],
  slotFor: (type: "fd", arg: Arg) => Slot,
): readonly Slot[] {
  const followed = new Set<Slot>();
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
  if (isNumber(args[condition.arg]!.type)) return enums.slot_match.MATCH_NUMBER;
  return condition.op === "Prefix" || condition.op === "NotPrefix"
    ? enums.slot_match.MATCH_PREFIX
    : enums.slot_match.MATCH_EQUAL;
}
