import { enums } from "../gen/layout.ts";
import type { ActionCodec, ActionOf } from "./kind.ts";

export const aggregate = {
  code: enums.action_code.ACTION_AGGREGATE,
  withEvent: true,
  arg: ({ window }) => window,
} satisfies ActionCodec<ActionOf<"Aggregate">>;
