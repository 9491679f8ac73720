import { argKind } from "../args/index.ts";
import type { Action, Hook, SelectorSet } from "../selector-set.ts";
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

/** Whether the set follows descriptors at all; only then do `fd` arguments ask for followed ones. */
export function followsDescriptors(set: SelectorSet): boolean {
  return set.hooks.some((hook) => actionsOf(hook).some(({ action }) => action === "FollowFD"));
}

/** Positions in the hook's args whose descriptors must all be followed for the hook to act. */
export function mustBeFollowed(hook: Hook, follows: boolean): readonly number[] {
  const typed = hook.args.flatMap(({ type }, i) =>
    argKind(type).asksFollowed && follows ? [i] : [],
  );
  const named = actionsOf(hook).flatMap((action) =>
    action.action === "UnfollowFD" || action.action === "CopyFD" ? [action.fd] : [],
  );
  return [...typed, ...named];
}

/**
 * The state after one action of `set`. A followed thing is the open file description, so that a
 * dup'd or inherited descriptor is followed with it (CopyFD has nothing left to do), and closing
 * one of several ends nothing: only the last one does.
 */
export function afterAction(
  state: FollowState,
  set: string,
  { action, hook, call }: { readonly action: Action; readonly hook: Hook; readonly call: HookCall },
): FollowState {
  if (action.action === "FollowFD") {
    const file = openFile(hook.args[action.name]!.index, call);
    if (file === undefined) return state;
    return new Map(state).set(set, new Set([...(state.get(set) ?? []), file.id]));
  }
  if (action.action === "UnfollowFD") {
    const file = openFile(hook.args[action.fd]!.index, call);
    if (file === undefined || file.references > 1) return state;
    return new Map(state).set(
      set,
      new Set([...(state.get(set) ?? [])].filter((id) => id !== file.id)),
    );
  }
  return state;
}

function actionsOf(hook: Hook): readonly Action[] {
  return hook.selectors.flatMap(({ actions }) => actions);
}
