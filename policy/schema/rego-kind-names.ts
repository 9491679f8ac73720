/** The kinds whose objects hold Rego. */
export const regoKindNames = ["RegoPolicy", "RegoPolicyNamespaced"] as const;
export type RegoKind = (typeof regoKindNames)[number];
