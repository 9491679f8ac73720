import { enums } from "../gen/layout.ts";
import type { ActionCodec, ActionOf } from "./kind.ts";

export const enforce = {
  code: enums.action_code.ACTION_ENFORCE,
  arg: () => 0,
} satisfies ActionCodec<ActionOf<"Enforce">>;
