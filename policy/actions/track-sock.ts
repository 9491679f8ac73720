import type { Static } from "typebox";
import { type Immutable, literal, object, position } from "../schema/dsl.ts";
import type { ActionKind } from "./kind.ts";
import { socketOf } from "./position.ts";

/** `sock`: a position in `Hook.args`. */
const schema = object({ action: literal("TrackSock"), sock: position("socket") });

export type TrackSock = Immutable<Static<typeof schema>>;

/** From now on, the events of a socket are about the process that makes this call. */
export const trackSock = {
  schema,
  fields: ["argSock"],
  stops: false,
  ofCluster: true,
  lower: (report, spec, place) => {
    const sock = socketOf(report, spec, place);
    return sock === undefined ? undefined : { action: "TrackSock", sock };
  },
  effect: ({ sock }) => ({ track: sock }),
  describe: () => "TrackSock",
  samples: ({ sock }) => (sock === undefined ? [] : [{ action: "TrackSock", sock }]),
} satisfies ActionKind<TrackSock>;
