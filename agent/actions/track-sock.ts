import { enums } from "../gen/layout.ts";
import type { ActionCodec, ActionOf } from "./kind.ts";

export const trackSock = {
  code: enums.action_code.ACTION_TRACKSOCK,
  arg: ({ sock }, readings) => readings.ofArg(sock),
} satisfies ActionCodec<ActionOf<"TrackSock">>;
