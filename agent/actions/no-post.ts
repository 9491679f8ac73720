import { enums } from "../gen/layout.ts";
import type { ActionCodec, ActionOf } from "./kind.ts";

export const noPost = {
  code: enums.action_code.ACTION_NOPOST,
  arg: () => 0,
} satisfies ActionCodec<ActionOf<"NoPost">>;
