import type { Action } from "@guardbee/policy";
import { enums } from "../gen/layout.ts";

const { action_code } = enums;

/** The kernel side's codes, by what a set calls them. */
export const actionCodes = {
  Post: action_code.ACTION_POST,
  FollowFD: action_code.ACTION_FOLLOWFD,
  Sigkill: action_code.ACTION_SIGKILL,
  UnfollowFD: action_code.ACTION_UNFOLLOWFD,
  Override: action_code.ACTION_OVERRIDE,
  CopyFD: action_code.ACTION_COPYFD,
  NoPost: action_code.ACTION_NOPOST,
  Signal: action_code.ACTION_SIGNAL,
} as const satisfies Readonly<Record<Action["action"], number>>;
