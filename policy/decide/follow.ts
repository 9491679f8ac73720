import { actionKind, actionsOf, effectOf } from "../actions/index.ts";
import { argKind } from "../args/index.ts";
import type { Action, Hook } from "../selector-set.ts";
import type { HookCall } from "./event.ts";
import { type OpenFile, openFile } from "./parameter.ts";

/** Which open files (by id) each set follows. Absent and empty are the same. */
export type FollowState = ReadonlyMap<string, ReadonlySet<number>>;

export function isFollowed(state: FollowState, set: string, file: OpenFile | undefined): boolean {
  return file !== undefined && (state.get(set)?.has(file.id) ?? false);
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
  if (follow === undefined) return state;
  const file = openFile(hook.args[follow]!.index, call);
  if (file === undefined) return state;
  return new Map(state).set(set, new Set(state.get(set)).add(file.id));
}
