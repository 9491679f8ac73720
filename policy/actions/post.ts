import type { Static } from "typebox";
import { type Immutable, literal, object } from "../schema/dsl.ts";
import type { ActionKind } from "./kind.ts";

const schema = object({ action: literal("Post") });

export type Post = Immutable<Static<typeof schema>>;

/** Reports the call, which a selector without actions does, too. */
export const post = {
  schema,
  fields: [],
  stops: false,
  lower: () => ({ action: "Post" }),
  effect: () => ({}),
  describe: () => "Post",
  samples: ({ ends }) => (ends === "unfollow" ? [] : [{ action: "Post" }]),
} satisfies ActionKind<Post>;
