import type { Static } from "typebox";
import { bool, type Immutable, literal, object } from "../schema/dsl.ts";
import type { ActionKind } from "./kind.ts";

const schema = object({
  action: literal("Enforce"),
  /** Some action of the policy leaves an error for it. */
  overrides: bool(),
});

/** What calls of spec.enforcers have. */
export type Enforce = Immutable<Static<typeof schema>>;

/** Carries out what an action of the policy has left for the thread's next call of the enforcers. */
export const enforce = {
  schema,
  unnamed: true,
  fields: [],
  // Nothing is left for it in monitor mode, or for a part of the node.
  stops: false,
  lower: () => undefined,
  effect: ({ overrides }) => ({ silent: true, enforces: { overrides } }),
  describe: () => "what the policy has left for it",
  samples: () => [],
} satisfies ActionKind<Enforce>;
