import type { Action } from "@guardbee/policy";
import { isEnforcing } from "@guardbee/policy/sets";
import { layout } from "./layout.ts";
import type { PlannedHook } from "./plan.ts";
import type { Slot } from "./slots.ts";

export type ActionContext = {
  /** What its events carry, and the kernel counts its stops under. */
  readonly number: number;
  /** First bit of the next hook. */
  readonly next: number;
  readonly slots: readonly Slot[];
  /** Slot of each of the hook's arguments. */
  readonly args: readonly number[];
  /** Follow group of the set, where it has one. */
  readonly group: number | undefined;
};

/** One struct action_entry, and the hook_spec.use bits that it needs. */
export function encodeAction(
  planned: PlannedHook,
  selector: number,
  context: ActionContext,
): { readonly bytes: Uint8Array; readonly use: number } {
  const all = planned.selectors[selector]!.actions;
  const monitored = planned.set.set.mode === "monitor" && all.some((a) => isEnforcing(a));
  const actions = monitored ? all.filter((action) => !isEnforcing(action)) : all;
  const { act, use } = layout;
  const view = new DataView(new ArrayBuffer(layout.actionBytes));
  let flags = monitored ? act.monitored : 0;
  let uses = monitored ? use.enforce : 0; // what is left out is counted
  if (!all.some((action) => action.action === "NoPost")) flags |= act.post;
  for (const action of actions) {
    const effect = effectOf(action);
    flags |= effect.flags;
    uses |= effect.use;
    if (action.action === "Override") view.setInt16(12, -action.error, true);
    if (action.action === "Sigkill") view.setUint16(14, 9, true);
    if (action.action === "Signal") view.setUint16(14, action.signal, true);
    if (action.action === "FollowFD") view.setUint8(24, context.args[action.name]!);
    if (action.action === "UnfollowFD") {
      view.setUint8(24, descriptorSlot(planned, action.fd, context));
    }
  }
  if ((flags & act.follow) !== 0 && (flags & act.unfollow) !== 0) {
    throw new RangeError(
      `${planned.set.name}: one selector has both FollowFD and UnfollowFD; use two selectors`,
    );
  }
  view.setUint32(0, context.number, true);
  view.setUint16(4, selector, true);
  view.setUint16(6, context.next, true);
  view.setUint16(8, flags, true);
  view.setUint16(10, layout.actionCode[all.at(-1)?.action ?? "Post"], true);
  if (context.group !== undefined) view.setBigUint64(16, 1n << BigInt(context.group), true);
  view.setUint8(25, context.args.length);
  for (const [position, slot] of context.args.entries()) view.setUint8(26 + position, slot);
  return { bytes: new Uint8Array(view.buffer), use: uses & (use.enforce | use.follow) };
}

function effectOf(action: Action): { flags: number; use: number } {
  const { act, use } = layout;
  switch (action.action) {
    case "Sigkill":
    case "Signal":
      return { flags: act.signal, use: use.enforce };
    case "Override":
      return { flags: act.override, use: use.enforce };
    case "FollowFD":
      return { flags: act.follow, use: use.follow };
    case "UnfollowFD":
      return { flags: act.unfollow, use: use.follow };
    // A duplicate shares the open file, which is what is followed: nothing is left to copy.
    case "CopyFD":
    case "Post":
    case "NoPost":
      return { flags: 0, use: 0 };
  }
}

/** The slot that assignSlots made for the descriptor that UnfollowFD names. */
function descriptorSlot(planned: PlannedHook, position: number, context: ActionContext): number {
  const { index } = planned.hook.args[position]!;
  return context.slots.findIndex((slot) => slot.type === "fd" && slot.index === index);
}
