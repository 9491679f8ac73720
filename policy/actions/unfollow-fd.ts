import type { Static } from "typebox";
import { type Immutable, literal, object, position } from "../schema/dsl.ts";
import type { ActionKind } from "./kind.ts";
import { positionOf } from "./position.ts";

/** `fd`: a position in `Hook.args`. */
const schema = object({ action: literal("UnfollowFD"), fd: position("descriptor") });

export type UnfollowFd = Immutable<Static<typeof schema>>;

/**
 * Nothing more than its event: a file is followed until the kernel frees it, because another thread
 * may keep it with `dup2` between the hook on `close` and the end of that call.
 */
export const unfollowFd = {
  schema,
  fields: ["argFd", "argName"],
  stops: false,
  lower: (report, spec, place) => {
    const fd = positionOf(report, spec, "argFd", "descriptor", place);
    return fd === undefined ? undefined : { action: "UnfollowFD", fd };
  },
  effect: () => ({}),
  needsFollowed: ({ fd }) => fd,
  describe: () => "UnfollowFD",
  samples: ({ ends }) => (ends === "unfollow" ? [{ action: "UnfollowFD", fd: 0 }] : []),
} satisfies ActionKind<UnfollowFd>;
