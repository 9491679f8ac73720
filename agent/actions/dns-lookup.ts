import { enums } from "../gen/layout.ts";
import type { ActionCodec, ActionOf } from "./kind.ts";

/** Carried out by the agent: see events/requests.ts. */
export const dnsLookup = {
  code: enums.action_code.ACTION_DNSLOOKUP,
} satisfies ActionCodec<ActionOf<"DnsLookup">>;
