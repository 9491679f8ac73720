/** The kinds whose objects hold Rego. */
const regoKindNames = ["RegoPolicy", "RegoPolicyNamespaced"] as const;
export type RegoKind = (typeof regoKindNames)[number];
