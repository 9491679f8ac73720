import { createHash } from "node:crypto";
import { nodeDigest, type PolicyStatus } from "@guardbee/policy";
import type { Fleet } from "../fleet/fleet.ts";
import { hashFor, isInWave, type NodeSetsEntry, type SetEntry } from "../fleet/objects.ts";
import { type NodeStanding, nodeStanding } from "../status/node-standing.ts";

export type FleetCounts = {
  readonly nodes: ReadonlyMap<NodeStanding, number>;
  readonly policies: readonly PolicyCount[];
  /** Policies whose change goes out in waves, or was stopped on its way. */
  readonly rollouts: ReadonlyMap<RolloutState, number>;
};

type RolloutState = NonNullable<PolicyStatus["rollout"]>["state"];

/** Policies of one kind whose condition Ready says the same. */
export type PolicyCount = {
  readonly kind: string;
  readonly ready: string;
  readonly reason: string;
  readonly count: number;
};

type Seen = Pick<Fleet, "nodeNames" | "node" | "nodeSets" | "set" | "setNames" | "policy">;

/**
 * Nodes and policies of a fleet by state. Thousands of nodes have few different lists of sets, so
 * that a count costs one digest for each list, and one look-up for each node.
 */
export class FleetCounter {
  readonly #fleet: Seen;
  /** Which list of sets an entry has; an entry never changes. Written by #listOf. */
  readonly #lists = new WeakMap<NodeSetsEntry, string>();

  constructor(fleet: Seen) {
    this.#fleet = fleet;
  }

  count(): FleetCounts {
    return {
      nodes: this.#countNodes(),
      policies: countPolicies(this.#fleet),
      rollouts: countRollouts(this.#fleet),
    };
  }

  #countNodes(): ReadonlyMap<NodeStanding, number> {
    const digests = new Map<string, string>();
    const rolling = this.#fleet
      .setNames()
      .flatMap((name) => this.#fleet.set(name) ?? [])
      .filter(({ rollout }) => rollout !== undefined);
    const counts = new Map<NodeStanding, number>();
    for (const name of this.#fleet.nodeNames()) {
      const node = this.#fleet.node(name);
      if (node === undefined) continue; // a NodePolicySet whose node is gone
      const entry = this.#fleet.nodeSets(name);
      const { ready } = node;
      const digest = entry === undefined ? "" : this.#digestOf(entry, rolling, digests);
      const standing = nodeStanding({ ready, report: entry?.report }, digest);
      counts.set(standing, (counts.get(standing) ?? 0) + 1);
    }
    return counts;
  }

  /** Nodes of one list differ in the sets whose roll-out has reached them. */
  #digestOf(
    entry: NodeSetsEntry,
    rolling: readonly SetEntry[],
    digests: Map<string, string>,
  ): string {
    const { node, sets } = entry;
    const turns = rolling.map(({ name, rollout }) => (isInWave(name, rollout, node) ? "1" : "0"));
    const key = `${this.#listOf(entry)} ${turns.join("")}`;
    let digest = digests.get(key);
    if (digest === undefined) {
      const held = sets.flatMap((name) => this.#fleet.set(name) ?? []);
      digest = nodeDigest(held.map((set) => ({ name: set.name, hash: hashFor(set, node) })));
      digests.set(key, digest);
    }
    return digest;
  }

  #listOf(entry: NodeSetsEntry): string {
    let list = this.#lists.get(entry);
    if (list === undefined) {
      list = createHash("sha1").update(entry.sets.join(" ")).digest("hex"); // a name has no space
      this.#lists.set(entry, list);
    }
    return list;
  }
}

function countRollouts(fleet: Seen): ReadonlyMap<RolloutState, number> {
  const states = fleet.setNames().flatMap((name) => fleet.policy(name)?.status?.rollout ?? []);
  const byState = Map.groupBy(states, ({ state }) => state);
  return new Map([...byState].map(([state, all]) => [state, all.length]));
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
