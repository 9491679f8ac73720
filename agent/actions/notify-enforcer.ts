import { enums } from "../gen/layout.ts";
import type { ActionCodec, ActionOf } from "./kind.ts";

export const notifyEnforcer = {
  code: enums.action_code.ACTION_NOTIFYENFORCER,
  arg: ({ signal, error }) => (signal << 16) | error,
} satisfies ActionCodec<ActionOf<"NotifyEnforcer">>;
