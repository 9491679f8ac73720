import type { Static } from "typebox";
import { type Immutable, literal, object } from "../schema/dsl.ts";
import type { ActionKind } from "./kind.ts";

const schema = object({ action: literal("NoPost") });

export type NoPost = Immutable<Static<typeof schema>>;

/** Reports nothing, whatever else the selector does. */
export const noPost = {
  schema,
  fields: [],
  stops: false,
  atReturn: true,
  lower: () => ({ action: "NoPost" }),
  effect: () => ({ silent: true }),
  describe: () => "NoPost",
  samples: () => [{ action: "NoPost" }],
} satisfies ActionKind<NoPost>;
