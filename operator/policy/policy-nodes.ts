import type { Clock } from "@guardbee/kube";
import type { PolicyStatus } from "@guardbee/policy";
import type { Fleet } from "../fleet/fleet.ts";
import { isInWave, type PolicyEntry } from "../fleet/objects.ts";
import type { SetView } from "../rollout/ensure-set.ts";
import { type StopCount, stopsOf } from "../rollout/stops.ts";
import { type NodeState, nodeState } from "../status/node-state.ts";
import type { StatusWriter } from "../status/status-writer.ts";

export type PolicyNodesDeps = {
  readonly fleet: Fleet;
  readonly statuses: StatusWriter;
  readonly clock: Clock;
  readonly unreachableMs: number;
};

/** What the nodes make of one policy, as one reconciliation sees it: they are thousands, and looked at once. */
export class PolicyNodes {
  readonly #policy: PolicyEntry;
  readonly #deps: PolicyNodesDeps;
  /** Of what is in the set last asked about. Written by states. */
  #states: { readonly view: SetView; readonly states: readonly NodeState[] } | undefined;
  /** The same of a hash of it. Written by stops. */
  #stops: { readonly view: SetView; readonly hash: string; readonly stops: StopCount } | undefined;

  constructor(policy: PolicyEntry, deps: PolicyNodesDeps) {
    this.#policy = policy;
    this.#deps = deps;
  }

  /** The state of each node that is to hold the policy, or holds its last accepted generation. */
  states(view: SetView | undefined): readonly NodeState[] {
    if (view === undefined) return [];
    if (this.#states?.view === view) return this.#states.states;
    const states = this.#statesOf(view);
    this.#states = { view, states };
    return states;
  }

  /** What nodes report of the calls that a content of the set stopped, or would have. */
  stops(view: SetView | undefined, hash: string): StopCount {
    if (view !== undefined && this.#stops?.view === view && this.#stops.hash === hash) {
      return this.#stops.stops;
    }
    const stops = stopsOf(this.#policy.setName, view, hash, this.#deps.fleet);
    if (view !== undefined) this.#stops = { view, hash, stops };
    return stops;
  }

  /** The policy's present status. */
  status(): PolicyStatus | undefined {
    return this.#deps.statuses.current(this.#policy);
  }

  #statesOf(view: SetView): readonly NodeState[] {
    const { fleet, clock, unreachableMs } = this.#deps;
    const { setName } = this.#policy;
    const seen = fleet.set(setName);
    const same = seen?.hash === view.hash;
    const observed = same && seen.rollout?.share === view.rollout?.share;
    const set = { name: setName, hash: view.hash, mode: view.mode };
    const options = {
      nowMs: clock.monotonic(),
      // Just written, and not seen yet: the two minutes start now.
      changedMs: observed ? fleet.changedMs(setName) : clock.monotonic(),
      unreachableMs,
      wasReady: same && this.#wasReady(),
      modeOf: (hash: string) => fleet.modeOf(hash),
    };
    const states: NodeState[] = [];
    for (const name of fleet.nodesFor(view.nodes)) {
      const facts = fleet.factsOf(name);
      if (facts === undefined) continue;
      if (isInWave(setName, view.rollout, name)) {
        states.push(nodeState(facts, set, options));
        continue;
      }
      const { node, kernel, arch, holds } = facts;
      const mode = fleet.modeOf(holds?.get(setName) ?? "");
      states.push({ node, kernel, arch, state: "waiting", ...(mode && { holds: mode }) });
    }
    return states;
  }

  #wasReady(): boolean {
    const ready = this.status()?.conditions?.find(({ type }) => type === "Ready");
    return ready?.status === "True" && ready.observedGeneration === this.#policy.generation;
  }
}
