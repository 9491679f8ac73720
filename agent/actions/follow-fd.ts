import { enums } from "../gen/layout.ts";
import type { ActionCodec, ActionOf } from "./kind.ts";

export const followFd = {
  code: enums.action_code.ACTION_FOLLOWFD,
  arg: ({ name }, readings) => readings.ofArg(name),
} satisfies ActionCodec<ActionOf<"FollowFD">>;
