import { enums } from "../gen/layout.ts";
import type { ActionCodec, ActionOf } from "./kind.ts";

export const set = {
  code: enums.action_code.ACTION_SET,
  arg: ({ value }) => value,
  reading: ({ arg }, readings) => readings.ofArg(arg),
} satisfies ActionCodec<ActionOf<"Set">>;
