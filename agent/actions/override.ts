import { enums } from "../gen/layout.ts";
import type { ActionCodec, ActionOf } from "./kind.ts";

export const override = {
  code: enums.action_code.ACTION_OVERRIDE,
  arg: ({ error }) => -error,
} satisfies ActionCodec<ActionOf<"Override">>;
