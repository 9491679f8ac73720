import type { Static } from "typebox";
import { selectorSet as set } from "../selector-set.ts";
import {
  atomicList,
  dateTime,
  flag,
  type Immutable,
  int32,
  object,
  optional,
  text,
} from "./dsl.ts";

const hash = text({ description: "SHA-256 of sets, in hex." });
const sets = atomicList(set, {
  description: "One; of a RegoPolicy, one a generated policy.",
});

export const selectorSetSpec = object({
  hash,
  sets,
  countStops: flag({ description: "Nodes report how many calls sets stop, or would stop." }),
  rollout: optional(
    object(
      {
        wave: int32({ minimum: 0, description: "Counts from 0." }),
        startedAt: dateTime({ description: "When this wave began." }),
        share: int32({
          minimum: 0,
          description: "Nodes whose position is below it hold sets, the others previous.",
        }),
        previous: optional(
          object({ hash, sets }, { description: "Without it the others hold nothing." }),
        ),
      },
      { description: "Present until every node holds sets." },
    ),
  ),
});

/**
 * Written by the operator, one for each policy or RegoPolicy and named after it; owned by it. All
 * sets of one object want the same nodes.
 */
export const selectorSet = object({ spec: selectorSetSpec });

const hashedSets = object({ hash, sets });

/** What a node may hold: one content of a SelectorSet object. */
export type HashedSets = Immutable<Static<typeof hashedSets>>;

export type SelectorSetSpec = Immutable<Static<typeof selectorSetSpec>>;
