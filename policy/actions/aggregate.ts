import type { Static } from "typebox";
import type { Report } from "../lower/report.ts";
import type { ActionSpec } from "../schema/action.ts";
import { type Immutable, int32, literal, object, optional } from "../schema/dsl.ts";
import type { ActionKind } from "./kind.ts";

const defaultWindow = 60;
const seconds = { minimum: 1, maximum: 3600 } as const;

/** `window`: in seconds. */
const schema = object({ action: literal("Aggregate"), window: int32(seconds) });

export type Aggregate = Immutable<Static<typeof schema>>;

/** Of the events of a selector and a process in one window, reports the first and counts the others. */
export const aggregate = {
  schema,
  fields: [],
  ownFields: {
    window: optional(
      int32({
        ...seconds,
        description: `Aggregate: for how many seconds only the first event goes out; ${defaultWindow} if absent.`,
      }),
    ),
  },
  stops: false,
  once: () => true,
  lower: (
    _report: Report,
    { window = defaultWindow }: ActionSpec & { readonly window?: number },
  ) => ({
    ...{ action: "Aggregate", window },
  }),
  effect: () => ({}),
  describe: ({ window }) => `Aggregate ${window} s`,
  samples: () => [{ action: "Aggregate", window: seconds.maximum }],
} satisfies ActionKind<Aggregate>;
