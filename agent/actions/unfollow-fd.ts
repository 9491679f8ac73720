import { enums } from "../gen/layout.ts";
import type { ActionCodec, ActionOf } from "./kind.ts";

/** Only the kernel's end of an open file ends following it. */
export const unfollowFd = {
  code: enums.action_code.ACTION_UNFOLLOWFD,
} satisfies ActionCodec<ActionOf<"UnfollowFD">>;
