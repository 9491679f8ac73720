import type { Static } from "typebox";
import { type Immutable, literal, object, position } from "../schema/dsl.ts";
import type { ActionKind } from "./kind.ts";
import { positionOf } from "./position.ts";

/** `fd`, `name`: positions in `Hook.args`; `name` is that of the file. */
const schema = object({
  action: literal("FollowFD"),
  fd: position("descriptor"),
  name: position("file"),
});

export type FollowFd = Immutable<Static<typeof schema>>;

/** Follows an open file through all its descriptors, of whatever process, until the last is closed. */
export const followFd = {
  schema,
  fields: ["argFd", "argName"],
  stops: false,
  lower: (report, spec, place) => {
    const fd = positionOf(report, spec, "argFd", "descriptor", place);
    const name = positionOf(report, spec, "argName", "file", place);
    return fd === undefined || name === undefined ? undefined : { action: "FollowFD", fd, name };
  },
  effect: ({ name }) => ({ follow: name }),
  describe: () => "FollowFD",
  samples: ({ ends }) => (ends === "follow" ? [{ action: "FollowFD", fd: 0, name: 1 }] : []),
} satisfies ActionKind<FollowFd>;
