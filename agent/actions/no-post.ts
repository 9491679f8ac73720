import { enums } from "../gen/layout.ts";
import type { ActionCodec, ActionOf } from "./kind.ts";

export const noPost = {
  code: enums.action_code.ACTION_NOPOST,
} satisfies ActionCodec<ActionOf<"NoPost">>;
