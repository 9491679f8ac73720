import { nodeDigest } from "@guardbee/policy";
import type { Fleet } from "../fleet/fleet.ts";
import { hashFor, isTurnOf } from "../fleet/objects.ts";
import { type NodeStanding, nodeStanding } from "../status/node-standing.ts";

export type FleetCounts = {
  readonly nodes: ReadonlyMap<NodeStanding, number>;
  readonly policies: readonly PolicyCount[];
};

/** Policies of one kind whose condition Ready says the same. */
export type PolicyCount = {
  readonly kind: string;
  readonly ready: string;
  readonly reason: string;
  readonly count: number;
};

type Seen = Pick<Fleet, "nodeNames" | "node" | "nodeSets" | "set" | "setNames" | "policy">;

/** Nodes and policies of the fleet by state. One digest for each list of sets, not for each node. */
export function countFleet(fleet: Seen): FleetCounts {
  return { nodes: countNodes(fleet), policies: countPolicies(fleet) };
}

function countNodes(fleet: Seen): ReadonlyMap<NodeStanding, number> {
  const digests = new Map<string, string>();
  const digestOf = (node: string, sets: readonly string[]) => {
    const turns = sets.filter((name) => isTurnOf(name, fleet.set(name)?.rollout, node));
    const key = `${sets.join(" ")}\n${turns.length === sets.length ? "" : turns.join(" ")}`;
    const known = digests.get(key);
    if (known !== undefined) return known;
    const entries = sets.flatMap((name) => {
      const set = fleet.set(name);
      return set === undefined ? [] : [{ name, hash: hashFor(set, node) }];
    });
    const digest = nodeDigest(entries);
    digests.set(key, digest);
    return digest;
  };
  const counts = new Map<NodeStanding, number>();
  for (const name of fleet.nodeNames()) {
    const node = fleet.node(name);
    if (node === undefined) continue; // a NodePolicySet whose node is gone
    const entry = fleet.nodeSets(name);
    const { ready } = node;
    const standing = nodeStanding(
      { ready, report: entry?.report },
      digestOf(name, entry?.sets ?? []),
    );
    counts.set(standing, (counts.get(standing) ?? 0) + 1);
  }
  return counts;
}

function countPolicies(fleet: Seen): readonly PolicyCount[] {
  const counts = new Map<string, PolicyCount>();
  for (const name of fleet.setNames()) {
    const policy = fleet.policy(name);
    if (policy === undefined) continue; // a SelectorSet whose policy is gone
    const condition = policy.status?.conditions?.find(({ type }) => type === "Ready");
    const { status: ready = "Unknown", reason = "Pending" } = condition ?? {};
    const { kind } = policy.resource;
    const key = [kind, ready, reason].join("\0");
    counts.set(key, { kind, ready, reason, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}
