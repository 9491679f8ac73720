import type { TProperties } from "typebox";
import { type Report, refuseOthers } from "../lower/report.ts";
import type { ActionSpec } from "../schema/action.ts";
import { tagged } from "../schema/dsl.ts";
import { type Aggregate, aggregate } from "./aggregate.ts";
import {
  type CleanupEnforcerNotification,
  cleanupEnforcerNotification,
} from "./cleanup-enforcer-notification.ts";
import { type CopyFd, copyFd } from "./copy-fd.ts";
import { type DnsLookup, dnsLookup } from "./dns-lookup.ts";
import { type Enforce, enforce } from "./enforce.ts";
import { type FollowFd, followFd } from "./follow-fd.ts";
import { type GetUrl, getUrl } from "./get-url.ts";
import type { ActionKind, ActionPlace, Effect, Request } from "./kind.ts";
import { type NoPost, noPost } from "./no-post.ts";
import { type NotifyEnforcer, notifyEnforcer } from "./notify-enforcer.ts";
import { type Override, override } from "./override.ts";
import { type Post, post } from "./post.ts";
import { type Set as SetAction, set } from "./set.ts";
import { type Sigkill, sigkill } from "./sigkill.ts";
import { type Signal, signal } from "./signal.ts";
import { type TrackSock, trackSock } from "./track-sock.ts";
import { type UnfollowFd, unfollowFd } from "./unfollow-fd.ts";
import { type UntrackSock, untrackSock } from "./untrack-sock.ts";

export type Action =
  | (Post | NoPost | Aggregate)
  | (Sigkill | Signal | Override)
  | (FollowFd | UnfollowFd | CopyFd)
  | (TrackSock | UntrackSock)
  | (GetUrl | DnsLookup)
  | (Enforce | NotifyEnforcer | CleanupEnforcerNotification | SetAction);
export type ActionName = Action["action"];

/** The actions that this version has. Messages list them in this order. */
export const actionKinds = {
  Post: post,
  NoPost: noPost,
  Sigkill: sigkill,
  Signal: signal,
  Override: override,
  FollowFD: followFd,
  UnfollowFD: unfollowFd,
  CopyFD: copyFd,
  TrackSock: trackSock,
  UntrackSock: untrackSock,
  Aggregate: aggregate,
  GetUrl: getUrl,
  DnsLookup: dnsLookup,
  Enforce: enforce,
  NotifyEnforcer: notifyEnforcer,
  CleanupEnforcerNotification: cleanupEnforcerNotification,
  Set: set,
} satisfies { readonly [Name in ActionName]: ActionKind<Extract<Action, { action: Name }>> };

/** What a selector does about a call. */
export const action = tagged(
  "action",
  Object.values(actionKinds).map(({ schema }) => schema),
);

export const actionNames = Object.keys(actionKinds) as readonly ActionName[];

/** Those that a policy may name. */
export const namedActions = actionNames.filter((name) => !actionKind(name).unnamed);

/** What a policy may tell actions beside what upstream has. */
export const ownActionFields: TProperties = Object.assign(
  {},
  ...actionNames.map((name) => actionKind(name).ownFields),
);

/** What a selector does that names no action, and what its event then names. */
export const defaultAction = "Post" satisfies ActionName;

/** What the language knows of the action of that name. */
export function actionKind(name: ActionName): ActionKind<Action> {
  return actionKinds[name];
}

/** One of matchActions; undefined when it was refused. */
export function lowerAction(
  report: Report,
  spec: ActionSpec,
  place: ActionPlace,
): Action | undefined {
  const { at } = place;
  const name = namedActions.find((one) => one === spec.action);
  if (name === undefined) {
    const fix = `this version takes ${namedActions.join(", ")}`;
    report.unsupported(`${at}.action`, `${spec.action} is not supported yet`, fix);
    return undefined;
  }
  const kind = actionKind(name);
  if (kind.ofCluster && place.namespaced) {
    const what = `${name} is not for policies of one namespace`;
    report.invalid(`${at}.action`, what, "use the kind without Namespaced");
  }
  if (place.whenReturned && !kind.atReturn) {
    const names = actionNames.filter((one) => actionKind(one).atReturn);
    const what = `${name} cannot be done when the call has returned`;
    report.invalid(`${at}.action`, what, `write it in matchActions, or one of ${names.join(", ")}`);
    return undefined;
  }
  const known = ["action", ...kind.fields, ...Object.keys(kind.ownFields ?? {})];
  const fix = `remove it: this version does not use it with ${name}`;
  refuseOthers(report, spec, { at, known, fix });
  return kind.lower(report, spec, place);
}

/** Whether `action` stops something, and is therefore left out in monitor mode. */
export function isEnforcing({ action }: Action): boolean {
  return actionKind(action).stops;
}

/** What comes of `action` when it is carried out. */
export function effectOf(action: Action): Effect {
  return actionKind(action.action).effect(action);
}

/** What the agent is to ask of others when it gets the event of a selector with these actions. */
export function requestsOf(actions: readonly Action[]): readonly Request[] {
  return actions.flatMap((action) => effectOf(action).request ?? []);
}

/** What `actions` say of the event; where they say anything of it, there is one Post. */
export function postOf(actions: readonly Action[]): Post | undefined {
  return actions.find((one) => one.action === "Post");
}

/** In a few words for people: `Signal 15`. */
export function describeAction(action: Action): string {
  return actionKind(action.action).describe(action);
}

type Acting = {
  readonly actions: readonly Action[];
  readonly returnActions?: readonly Action[];
};
type WithActions = { readonly selectors: readonly Acting[] };

/** Every action of a hook, one selector after the other. */
export function actionsOf({ selectors }: WithActions): readonly Action[] {
  return selectors.flatMap(allActions);
}

/** What a selector does: at the call, and when that has returned. */
export function allActions({ actions, returnActions = [] }: Acting): readonly Action[] {
  return [...actions, ...returnActions];
}

/** The arguments that a hook has written, each once. */
export function writtenArgs<A>({ args, ...hook }: WithActions & { readonly args: readonly A[] }) {
  const positions = new Set(actionsOf(hook).map((action) => effectOf(action).writes));
  return args.filter((_, position) => positions.has(position));
}

/** Whether a set with these hooks tracks sockets. */
export function tracksSockets({ hooks }: { readonly hooks: readonly TrackingHook[] }): boolean {
  return hooks.some(
    (hook) =>
      hook.returned?.action === "TrackSock" ||
      actionsOf(hook).some((action) => effectOf(action).track !== undefined),
  );
}
type TrackingHook = WithActions & { readonly returned?: { readonly action?: string } };

/** Whether a set with these hooks follows descriptors: then `fd` arguments ask for followed ones. */
export function followsDescriptors({ hooks }: { readonly hooks: readonly WithActions[] }): boolean {
  return hooks.some((hook) =>
    actionsOf(hook).some((action) => effectOf(action).follow !== undefined),
  );
}
