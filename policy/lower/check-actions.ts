import {
  type Action,
  actionKind,
  actionsOf,
  allActions,
  effectOf,
  followsDescriptors,
  isEnforcing,
} from "../actions/index.ts";
import { bounds } from "../schema/bounds.ts";
import type { Hook } from "../selector-set.ts";
import type { Report } from "./report.ts";

/** Refuses combinations of actions that mean nothing together. */
export function checkActions(report: Report, placed: readonly PlacedHook[]): void {
  const follows = followsDescriptors({ hooks: placed.map(({ hook }) => hook) });
  for (const one of placed) {
    one.hook.selectors.forEach((selector, i) => {
      const at = `${one.at}.selectors[${i}]`;
      const { actions, returnActions = [] } = selector;
      checkOnce(report, actions, `${at}.matchActions`);
      checkOnce(report, returnActions, `${at}.matchReturnActions`);
      checkCount(report, allActions(selector), at);
      checkRequests(report, allActions(selector), `${at}.matchActions`);
    });
    checkUnfollow(report, one, follows);
  }
}

/** A hook, and where the policy has it: `at` is its path, below that of its section. */
export type PlacedHook = { readonly at: string; readonly section: string; readonly hook: Hook };

function checkOnce(report: Report, actions: readonly Action[], at: string): void {
  for (const [name, used] of Map.groupBy(actions, ({ action }) => action)) {
    const { once } = actionKind(name);
    if (used.length > 1 && used.some((action) => once?.(action))) {
      report.unsupported(at, `has ${name} ${used.length} times`, "keep one in a selector");
    }
  }
}

function checkCount(report: Report, { length }: readonly Action[], at: string): void {
  const fix = `write at most ${bounds.actions}, in matchActions and matchReturnActions together`;
  if (length > bounds.actions) report.invalid(at, `has ${length} actions`, fix);
}

/** The agent asks when it gets the event. */
function checkRequests(report: Report, actions: readonly Action[], at: string): void {
  const asking = actions.find((action) => effectOf(action).request !== undefined);
  const silent = actions.find((action) => effectOf(action).silent);
  if (asking === undefined || silent === undefined) return;
  const what = `has ${asking.action} beside ${silent.action}, which leaves no event to act on`;
  report.invalid(at, what, "remove one of them");
}

/** The whole hook acts only for a followed descriptor then; nothing else may depend on that. */
function checkUnfollow(report: Report, { at, section, hook }: PlacedHook, follows: boolean): void {
  const actions = actionsOf(hook);
  const ending = actions.find(({ action }) => actionKind(action).needsFollowed !== undefined);
  if (ending === undefined) return;
  if (!follows) {
    const fix = "add a hook with FollowFD to this policy";
    report.invalid(at, `has ${ending.action}, but the policy follows no descriptor`, fix);
  }
  if (hook.selectors.length > 1 || actions.some((action) => isEnforcing(action))) {
    const fix = `put it into an entry of ${section} of its own: it counts for followed descriptors only`;
    report.unsupported(`${at}.selectors`, `has ${ending.action} beside others`, fix);
  }
}
