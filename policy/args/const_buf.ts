import type { ArgKind } from "./kind.ts";

/** An array in the record of a tracepoint: what `auto` means for one, and as upstream nobody writes. */
export const const_buf = {
  aliases: [],
  unnamed: true,
  parameters: [],
  facets: {},
  operators: {},
  upstreamOperators: [],
  read: () => ({}),
  recorded: () => ({ kind: "unread" }), // nothing is compared with it
  samples: [],
} as const satisfies ArgKind;
