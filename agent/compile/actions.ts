import type { Action } from "@guardbee/policy";
import { isEnforcing } from "@guardbee/policy/sets";
import { enums, layout } from "../gen/layout.ts";
import { bytesOf, type Values } from "../layout/struct.ts";
import { actionCodes } from "./codes.ts";
import type { PlannedHook } from "./plan.ts";
import { descriptorReading, type Readings } from "./readings.ts";

const { ACT_POST, ACT_SIGNAL, ACT_OVERRIDE, ACT_FOLLOW, ACT_UNFOLLOW, ACT_MONITORED } =
  enums.act_flag;
const { USE_ENFORCE, USE_FOLLOW } = enums.hook_use;
const SIGKILL = 9;

export type ActionContext = {
  /** What its events carry, and the kernel counts its stops under. */
  readonly number: number;
  /** First bit of the next hook. */
  readonly next: number;
  readonly readings: Readings;
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
  const { args } = context.readings.ofHook.get(planned)!;
  const monitored = planned.set.set.mode === "monitor" && all.some((a) => isEnforcing(a));
  const actions = monitored ? all.filter((action) => !isEnforcing(action)) : all;
  let flags = monitored ? ACT_MONITORED : 0;
  let uses = monitored ? USE_ENFORCE : 0; // what is left out is counted
  let values = {};
  if (!all.some((action) => action.action === "NoPost")) flags |= ACT_POST;
  for (const action of actions) {
    const effect = effectOf(action, planned, context);
    flags |= effect.flags;
    uses |= effect.use;
    values = { ...values, ...effect.values };
  }
  if ((flags & ACT_FOLLOW) !== 0 && (flags & ACT_UNFOLLOW) !== 0) {
    throw new RangeError(
      `${planned.set.name}: one selector has both FollowFD and UnfollowFD; use two selectors`,
    );
  }
  const bytes = bytesOf(layout.action_entry, {
    ...{ hook: context.number, selector, next: context.next, flags },
    code: actionCodes[all.at(-1)?.action ?? "Post"],
    group: context.group === undefined ? 0n : 1n << BigInt(context.group),
    ...{ args: args.length, arg_slots: args },
    ...values,
  });
  return { bytes, use: uses };
}

type Effect = {
  readonly flags: number;
  readonly use: number;
  readonly values: Partial<Values<typeof layout.action_entry>>;
};

function effectOf(action: Action, planned: PlannedHook, { readings }: ActionContext): Effect {
  switch (action.action) {
    case "Sigkill":
      return { flags: ACT_SIGNAL, use: USE_ENFORCE, values: { signal: SIGKILL } };
    case "Signal":
      return { flags: ACT_SIGNAL, use: USE_ENFORCE, values: { signal: action.signal } };
    case "Override":
      return { flags: ACT_OVERRIDE, use: USE_ENFORCE, values: { error: -action.error } };
    case "FollowFD":
      return {
        ...{ flags: ACT_FOLLOW, use: USE_FOLLOW },
        values: { follow_slot: readings.ofHook.get(planned)!.args[action.name]! },
      };
    case "UnfollowFD": {
      const follow_slot = descriptorReading(planned, action.fd, readings);
      return { flags: ACT_UNFOLLOW, use: USE_FOLLOW, values: { follow_slot } };
    }
    // A duplicate shares the open file, which is what is followed: nothing is left to copy.
    case "CopyFD":
    case "Post":
    case "NoPost":
      return { flags: 0, use: 0, values: {} };
  }
}
