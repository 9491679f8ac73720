import { enums } from "../gen/layout.ts";
import type { ActionCodec, ActionOf } from "./kind.ts";

export const unfollowFd = {
  code: enums.action_code.ACTION_UNFOLLOWFD,
  arg: ({ fd }, readings) => readings.ofDescriptor(fd),
} satisfies ActionCodec<ActionOf<"UnfollowFD">>;
