import type { Action, Arg, Condition } from "@guardbee/policy";
import { enums } from "../gen/layout.ts";

/** The kernel side's codes, by what a set calls them. */
const { action_code, arg_type, cap_set, cap_user_ns } = enums;
type Capability = Condition & { readonly by: "capability" };

export const argCodes = {
  int: arg_type.ARG_INT,
  uint32: arg_type.ARG_UINT32,
  int64: arg_type.ARG_INT64,
  uint64: arg_type.ARG_UINT64,
  size_t: arg_type.ARG_SIZE,
  fd: arg_type.ARG_FD,
  file: arg_type.ARG_FILE,
  char_buf: arg_type.ARG_CHAR_BUF,
} as const satisfies Readonly<Record<Arg["type"], number>>;

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

export const capSetCodes = {
  effective: cap_set.CAP_SET_EFFECTIVE,
  inheritable: cap_set.CAP_SET_INHERITABLE,
  permitted: cap_set.CAP_SET_PERMITTED,
} as const satisfies Readonly<Record<Capability["set"], number>>;

export const capUserNsCodes = {
  any: cap_user_ns.CAP_NS_ANY,
  host: cap_user_ns.CAP_NS_HOST,
  nested: cap_user_ns.CAP_NS_NESTED,
} as const satisfies Readonly<Record<Capability["userNamespace"], number>>;
