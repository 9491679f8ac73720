import type { Static } from "typebox";
import { type Immutable, literal, object, position } from "../schema/dsl.ts";
import type { ActionKind } from "./kind.ts";
import { positionOf } from "./position.ts";

/** `fd`, `to`: positions in `Hook.args`. */
const schema = object({
  action: literal("CopyFD"),
  fd: position("descriptor"),
  to: position("descriptor"),
});

export type CopyFd = Immutable<Static<typeof schema>>;

/** Nothing more: a duplicate shares the open file, which is what is followed. */
export const copyFd = {
  schema,
  fields: ["argFd", "argName"],
  stops: false,
  lower: (report, spec, place) => {
    const fd = positionOf(report, spec, "argFd", "descriptor", place);
    const to = positionOf(report, spec, "argName", "descriptor", place);
    return fd === undefined || to === undefined ? undefined : { action: "CopyFD", fd, to };
  },
  effect: () => ({}),
  needsFollowed: ({ fd }) => fd,
  describe: () => "CopyFD",
  samples: ({ ends }) => (ends === "unfollow" ? [{ action: "CopyFD", fd: 0, to: 0 }] : []),
} satisfies ActionKind<CopyFd>;
