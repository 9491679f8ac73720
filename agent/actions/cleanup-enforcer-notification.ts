import { enums } from "../gen/layout.ts";
import type { ActionCodec, ActionOf } from "./kind.ts";

export const cleanupEnforcerNotification = {
  code: enums.action_code.ACTION_CLEANUPENFORCERNOTIFICATION,
  arg: () => 0,
} satisfies ActionCodec<ActionOf<"CleanupEnforcerNotification">>;
