import type { Static } from "typebox";
import { type Immutable, literal, object } from "../schema/dsl.ts";
import type { ActionKind } from "./kind.ts";

const schema = object({ action: literal("Sigkill") });

export type Sigkill = Immutable<Static<typeof schema>>;

const number = 9;

/** Kills the process before it returns to user space; the call itself still runs. */
export const sigkill = {
  schema,
  // Upstream's own examples give it one, which it does not look at.
  fields: ["argError"],
  stops: true,
  atReturn: true,
  lower: () => ({ action: "Sigkill" }),
  effect: () => ({ signal: number }),
  describe: () => "Sigkill",
  samples: ({ ends }) => (ends === "unfollow" ? [] : [{ action: "Sigkill" }]),
} satisfies ActionKind<Sigkill>;
