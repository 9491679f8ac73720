import type { Static } from "typebox";
import { type Immutable, literal, object } from "../schema/dsl.ts";
import type { ActionKind } from "./kind.ts";

const schema = object({ action: literal("CleanupEnforcerNotification") });

export type CleanupEnforcerNotification = Immutable<Static<typeof schema>>;

/** What the policy has left for the thread's next call of its enforcers is left no more. */
export const cleanupEnforcerNotification = {
  schema,
  fields: [],
  stops: false,
  lower: () => ({ action: "CleanupEnforcerNotification" }),
  effect: () => ({ forgetsNotice: true }),
  describe: () => "CleanupEnforcerNotification",
  samples: ({ ends }) => (ends === "unfollow" ? [] : [{ action: "CleanupEnforcerNotification" }]),
} satisfies ActionKind<CleanupEnforcerNotification>;
