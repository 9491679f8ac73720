import type { FleetSize } from "../../test/fleet/objects.ts";

/** What TARGETS §3 names, but for the nodes, of which one machine holds fewer. */
export const aroundNodes = { policies: 500, namespaces: 3_000, workloads: 20_000 } as const;

/** Fleets that `make bench` measures, one after the other: the slope, and what fits two processors. */
export const fleetNodes = "500,1000,2000";

export function describeSize({ nodes, policies, namespaces, workloads }: FleetSize): string {
  const [n, p, s, w] = [nodes, policies, namespaces, workloads].map((x) =>
    x.toLocaleString("en-US"),
  );
  return `${n} nodes, ${p} policies, ${s} namespaces, ${w} workloads`;
}
