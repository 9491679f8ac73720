import { enums } from "../gen/layout.ts";
import type { ActionCodec, ActionOf } from "./kind.ts";

export const untrackSock = {
  code: enums.action_code.ACTION_UNTRACKSOCK,
  arg: ({ sock }, readings) => readings.ofArg(sock),
} satisfies ActionCodec<ActionOf<"UntrackSock">>;
