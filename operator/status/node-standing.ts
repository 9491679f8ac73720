import type { NodeReport } from "../fleet/node-report.ts";

/**
 * How one node stands over all its policies.
 * - `current`: it holds everything that it should, at today's content.
 * - `failing`: it reported at least one policy that it cannot hold.
 * - `pending`: it has yet to report today's content.
 * - `unreachable`: the same, and the node is NotReady.
 * - `unreported`: no agent has ever reported for it.
 */
export const nodeStandings = [
  ...(["current", "failing", "pending", "unreachable", "unreported"] as const),
] as const;
export type NodeStanding = (typeof nodeStandings)[number];

/** The standing of a node whose digest is to be `expected` when it holds all its sets. Pure. */
export function nodeStanding(
  node: { readonly ready: boolean; readonly report: NodeReport | undefined },
  expected: string,
): NodeStanding {
  const { ready, report } = node;
  if (report?.digest === undefined) return ready ? "unreported" : "unreachable";
  if (report.exceptions.some(({ state }) => state === "failed")) return "failing";
  // Something pending is not in the digest, so it shows here as well.
  if (report.digest === expected) return "current";
  return ready ? "pending" : "unreachable";
}
