import type { Static } from "typebox";
import { type Immutable, literal, object, position } from "../schema/dsl.ts";
import type { ActionKind } from "./kind.ts";
import { socketOf } from "./position.ts";

/** `sock`: a position in `Hook.args`. */
const schema = object({ action: literal("UntrackSock"), sock: position("socket") });

export type UntrackSock = Immutable<Static<typeof schema>>;

/** From now on, the events of a socket are about the processes that make the calls. */
export const untrackSock = {
  schema,
  fields: ["argSock"],
  stops: false,
  ofCluster: true,
  lower: (report, spec, place) => {
    const sock = socketOf(report, spec, place);
    return sock === undefined ? undefined : { action: "UntrackSock", sock };
  },
  effect: ({ sock }) => ({ untrack: sock }),
  describe: () => "UntrackSock",
  samples: ({ sock }) => (sock === undefined ? [] : [{ action: "UntrackSock", sock }]),
} satisfies ActionKind<UntrackSock>;
