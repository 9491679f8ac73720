/** The maps of one attach point that the agent writes, which are pinned. */
export const ownMaps = [
  ...(["tables", "rows", "starts", "substrings"] as const),
  ...(["numbers", "equals", "prefixes", "actions"] as const),
] as const;

/** Those that its programs have beside them. */
export const perCallMaps = ["call_scratch", "calls_in_use", "rates", "aggregated"] as const;
