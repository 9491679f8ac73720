import { enums } from "../gen/layout.ts";
import type { ActionCodec, ActionOf } from "./kind.ts";

/** A duplicate shares the open file, which is what is followed: nothing is left to copy. */
export const copyFd = {
  code: enums.action_code.ACTION_COPYFD,
} satisfies ActionCodec<ActionOf<"CopyFD">>;
