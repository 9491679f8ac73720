import { enums } from "../gen/layout.ts";
import type { ActionCodec, ActionOf } from "./kind.ts";

export const signal = {
  code: enums.action_code.ACTION_SIGNAL,
  arg: ({ signal }) => signal,
} satisfies ActionCodec<ActionOf<"Signal">>;
