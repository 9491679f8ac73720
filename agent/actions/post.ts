import { rateLimitScopes } from "@guardbee/policy/sets";
import { enums } from "../gen/layout.ts";
import type { ActionCodec, ActionOf } from "./kind.ts";

const { RATE_SCOPE_BITS } = enums.rate_limit;

export const post = {
  code: enums.action_code.ACTION_POST,
  withEvent: true,
  arg: ({ every, per }) =>
    every === undefined || per === undefined
      ? undefined
      : (every << RATE_SCOPE_BITS) | rateLimitScopes.indexOf(per),
} satisfies ActionCodec<ActionOf<"Post">>;
