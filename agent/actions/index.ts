import type { Action, ActionName } from "@guardbee/policy";
import type { enums } from "../gen/layout.ts";
import { aggregate } from "./aggregate.ts";
import { cleanupEnforcerNotification } from "./cleanup-enforcer-notification.ts";
import { copyFd } from "./copy-fd.ts";
import { dnsLookup } from "./dns-lookup.ts";
import { enforce } from "./enforce.ts";
import { followFd } from "./follow-fd.ts";
import { getUrl } from "./get-url.ts";
import type { ActionCodec, ActionOf, CauseName } from "./kind.ts";
import { noPost } from "./no-post.ts";
import { notifyEnforcer } from "./notify-enforcer.ts";
import { override } from "./override.ts";
import { post } from "./post.ts";
import { set } from "./set.ts";
import { sigkill } from "./sigkill.ts";
import { signal } from "./signal.ts";
import { trackSock } from "./track-sock.ts";
import { unfollowFd } from "./unfollow-fd.ts";
import { untrackSock } from "./untrack-sock.ts";

const actionCodecs = {
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
} satisfies { readonly [Name in ActionName]: ActionCodec<ActionOf<Name>> };

export type ActionCause = CauseName<keyof typeof enums.action_loss>;

/** The causes of loss that actions have: what was lost, or for what there was no room. */
export const actionCauses = {
  follow_full: { means: "a file that FollowFD was to follow" },
  aggregated: { means: "an event that Aggregate held back, as its policy says", isAsked: true },
  rate_limited: {
    means: "an event that the rateLimit of Post held back, as its policy says",
    isAsked: true,
  },
  track_full: { means: "a socket that TrackSock was to track" },
  notice_full: { means: "what NotifyEnforcer was to leave for enforcers: its process was killed" },
  set_failed: { means: "a number that Set was to write, where nothing could be written" },
} satisfies Readonly<Record<ActionCause, { readonly means: string; readonly isAsked?: true }>>;

/** How the kernel is told of the action of that name. */
export function actionCodec(name: ActionName): ActionCodec<Action> {
  return actionCodecs[name];
}

/** The action whose code an event has; undefined: of none. */
export function actionNamed(code: number): ActionName | undefined {
  return names.get(code);
}

const names: ReadonlyMap<number, ActionName> = new Map(
  (Object.keys(actionCodecs) as ActionName[]).map((name) => [actionCodecs[name].code, name]),
);
