import {
  actionKind,
  actionsOf,
  effectOf,
  followsDescriptors,
  isEnforcing,
} from "../actions/index.ts";
import { argKind } from "../args/index.ts";
import type { Action, Hook, SelectorSet } from "../selector-set.ts";
import type { HookCall } from "./event.ts";
import { type OpenFile, openFile } from "./parameter.ts";

/** Which open files (by id) each set follows. Absent and empty are the same. */
export type FollowState = ReadonlyMap<string, ReadonlySet<number>>;

/** Whether the set is to act for the file: it is followed, or it cannot be told whether it is. */
export function isFollowed(
  state: FollowState,
  set: string,
  { file, call }: { readonly file: OpenFile | undefined; readonly call: HookCall },
): boolean {
  if (file === undefined) return false;
  return (state.get(set)?.has(file.id) ?? false) || (call.mayFollow?.has(set) ?? false);
}

/** Whether what the set follows is followed so that some call on it is stopped. */
export function stopsFollowed(set: SelectorSet): boolean {
  const follows = followsDescriptors(set);
  return set.hooks.some(
    (hook) => mustBeFollowed(hook, follows).length > 0 && actionsOf(hook).some(isEnforcing),
  );
}

/** The file that `action` is to follow and cannot, because there is no room for one that nobody follows. */
function withoutRoom(action: Action, hook: Hook, { state, call }: Moment): OpenFile | undefined {
  const { follow } = effectOf(action);
  if (follow === undefined || !call.followsNoMore) return undefined;
  const file = openFile(hook.args[follow]!, call);
  const has = (ids: ReadonlySet<number>) => file !== undefined && ids.has(file.id);
  return [...state.values()].some(has) ? undefined : file;
}

/** A call, and what is followed before it. */
export type Moment = { readonly state: FollowState; readonly call: HookCall };

/**
 * Whether `action` would leave a file unfollowed on which the set is to stop calls. Those could not
 * be told from others, so the process that opens it is to be stopped before it has the file.
 */
export function isStoppedAtOnce(
  action: Action,
  { set, hook }: { readonly set: SelectorSet; readonly hook: Hook },
  moment: Moment,
): boolean {
  return stopsFollowed(set) && withoutRoom(action, hook, moment) !== undefined;
}

/** The state after an open file is gone, whoever closed it: its id may be used again. */
export function forgetFile(state: FollowState, id: number): FollowState {
  return new Map([...state].map(([set, ids]) => [set, new Set([...ids].filter((i) => i !== id))]));
}

/** Positions in the hook's args whose descriptors must all be followed for the hook to act. */
export function mustBeFollowed(hook: Hook, follows: boolean): readonly number[] {
  const typed = hook.args.flatMap(({ type }, i) =>
    argKind(type).asksFollowed && follows ? [i] : [],
  );
  const named = actionsOf(hook).flatMap((one) => {
    const position = actionKind(one.action).needsFollowed?.(one);
    return position === undefined ? [] : [position];
  });
  return [...typed, ...named];
}

/**
 * The state after one action of `set`. A followed thing is the open file description, so that a
 * dup'd or inherited descriptor is followed with it (CopyFD has nothing left to do), and closing
 * one ends nothing (neither has UnfollowFD): only `forgetFile` does, when the file is gone.
 */
export function afterAction(
  state: FollowState,
  set: string,
  { action, hook, call }: { readonly action: Action; readonly hook: Hook; readonly call: HookCall },
): FollowState {
  const { follow } = effectOf(action);
  if (follow === undefined || withoutRoom(action, hook, { state, call })) return state;
  const file = openFile(hook.args[follow]!, call);
  if (file === undefined) return state;
  return new Map(state).set(set, new Set(state.get(set)).add(file.id));
}
