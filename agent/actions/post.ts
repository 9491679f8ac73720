import { enums } from "../gen/layout.ts";
import type { ActionCodec, ActionOf } from "./kind.ts";

export const post = {
  code: enums.action_code.ACTION_POST,
} satisfies ActionCodec<ActionOf<"Post">>;
