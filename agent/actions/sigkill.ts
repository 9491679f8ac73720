import { enums } from "../gen/layout.ts";
import type { ActionCodec, ActionOf } from "./kind.ts";

export const sigkill = {
  code: enums.action_code.ACTION_SIGKILL,
  arg: () => 0,
} satisfies ActionCodec<ActionOf<"Sigkill">>;
