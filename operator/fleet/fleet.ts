import { isDeepStrictEqual } from "node:util";
import {
  type Change,
  type Clock,
  type KubeConnection,
  Reflector,
  type ReflectorState,
  type ReflectorStep,
  type Resource,
  resources,
} from "@guardbee/kube";
import { type LabelSelector, matchesLabels, resourceOf } from "@guardbee/policy";
import type { Logger } from "pino";
import { NodeIndex } from "../targets/node-index.ts";
import { deaf, type FleetListener } from "./fleet-listener.ts";
import { NodeHoldings } from "./node-holdings.ts";
import type { NodeFacts } from "./node-report.ts";
import {
  type NamespaceEntry,
  type NodeEntry,
  type NodeSetsEntry,
  type PolicyEntry,
  policyResources,
  projectNode,
  projectNodeSets,
  projectPolicy,
  projectSet,
  type SetEntry,
} from "./objects.ts";
import { SharedTexts } from "./shared-texts.ts";

export type FleetOptions = {
  readonly connection: KubeConnection;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onWatchStep?: WatchStep;
};

/** Told how the watch of a collection goes on. */
export type WatchStep = (resource: Resource, step: ReflectorStep, state: ReflectorState) => void;

/**
 * The cluster as the operator sees it: policies, SelectorSets, nodes and what nodes report. It only
 * reads; every replica runs one, so that a new leader knows the fleet from its first moment.
 */
export class Fleet {
  /** Written by #onPolicy. */
  readonly #policies = new Map<string, PolicyEntry>();
  /** Written by #onNode. */
  readonly #index = new NodeIndex();
  /** Node → when it came, last reported or was told something, monotonic. Written by #onNode* . */
  readonly #heardMs = new Map<string, number>();
  /** Set → when its content last changed, monotonic. Written by #onSet. */
  readonly #changedMs = new Map<string, number>();
  readonly #holdings = new NodeHoldings((name) => this.#sets.get(name));
  /** Of #policies, those that hold Rego. Written by #onPolicy. */
  readonly #rego = new Map<string, PolicyEntry>();
  readonly #namespaces: Reflector<NamespaceEntry>;
  readonly #policyReflectors: readonly Reflector<PolicyEntry>[];
  readonly #nodes: Reflector<NodeEntry>;
  readonly #sets: Reflector<SetEntry>;
  readonly #nodeSets: Reflector<NodeSetsEntry>;
  /** Of the run under way. Written by run. */
  #listener: FleetListener = deaf;
  readonly #clock: Clock;
  /** Resolves when every reflector has its first list. */
  readonly synced: Promise<unknown>;

  constructor({ connection, clock, log, onWatchStep }: FleetOptions) {
    this.#clock = clock;
    const shared = (resource: Resource) => ({
      ...{ connection, clock, resource, log: log.child({ component: resource.plural }) },
      onStep: (step: ReflectorStep, state: ReflectorState) => onWatchStep?.(resource, step, state),
    });
    this.#policyReflectors = policyResources.map(
      (resource) =>
        new Reflector({
          ...shared(resource),
          project: (raw) => projectPolicy(resource, raw),
          onChange: (change) => this.#onPolicy(change),
        }),
    );
    this.#nodes = new Reflector({
      ...shared(resources.node),
      project: projectNode,
      onChange: (change) => this.#onNode(change),
    });
    this.#sets = new Reflector({
      ...shared(resourceOf("SelectorSet")),
      project: projectSet,
      onChange: (change) => this.#onSet(change),
    });
    const texts = new SharedTexts();
    this.#nodeSets = new Reflector({
      ...shared(resourceOf("NodePolicySet")),
      project: (raw) => projectNodeSets(raw, texts),
      pageSize: 100, // with hundreds of names each
      onChange: (change) => this.#onNodeSets(change),
    });
    this.#namespaces = new Reflector({
      ...shared(resources.namespace),
      metadataOnly: true,
      project: ({ metadata: { name, labels = {} } }): NamespaceEntry => ({ name, labels }),
      onChange: (change) => {
        const after = change.type === "set" ? change.value : undefined;
        if (!isDeepStrictEqual(change.before, after)) this.#listener.namespaceChanged(change.key);
      },
    });
    this.synced = Promise.all(this.#reflectors().map((one) => one.synced));
  }

  /** Follows the cluster until `signal` aborts, and tells `listener` what has changed. */
  async run(listener: FleetListener, signal: AbortSignal): Promise<void> {
    this.#listener = listener;
    await Promise.all(this.#reflectors().map((one) => one.run(signal)));
  }

  policy(setName: string): PolicyEntry | undefined {
    return this.#policies.get(setName);
  }

  /** Every RegoPolicy, of either kind. */
  regoEntries(): readonly PolicyEntry[] {
    return [...this.#rego.values()];
  }

  /** Sorted by name. */
  namespaces(): readonly NamespaceEntry[] {
    return [...this.#namespaces.list()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Sorted by name. */
  nodes(): readonly NodeEntry[] {
    return [...this.#nodes.list()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  set(name: string): SetEntry | undefined {
    return this.#sets.get(name);
  }

  node(name: string): NodeEntry | undefined {
    return this.#nodes.get(name);
  }

  nodeSets(node: string): NodeSetsEntry | undefined {
    return this.#nodeSets.get(node);
  }

  /** Every set name there is reason to reconcile: of a policy, of a SelectorSet, or of both. */
  setNames(): readonly string[] {
    return [...new Set([...this.#policies.keys(), ...this.#sets.keys()])];
  }

  sets(): readonly SetEntry[] {
    return this.#sets.list();
  }

  /** Every node name there is reason to reconcile. */
  nodeNames(): readonly string[] {
    return [...new Set([...this.#nodes.keys(), ...this.#nodeSets.keys()])];
  }

  /** Nodes that a selector picks, sorted. */
  nodesFor(selector: LabelSelector | undefined): readonly string[] {
    return this.#index.match(selector);
  }

  /** Names of the sets that this node is to hold, sorted: those whose policy still exists. */
  setsFor(node: NodeEntry): readonly string[] {
    return this.sets()
      .filter((set) => this.#lives(set.name) && matchesLabels(set.nodes, node.labels))
      .map((set) => set.name)
      .sort();
  }

  /** When the set's content last changed (monotonic). */
  changedMs(setName: string): number {
    return this.#changedMs.get(setName) ?? 0;
  }

  modeOf(hash: string): SetEntry["mode"] | undefined {
    return this.#holdings.modeOf(hash);
  }

  /** What is known of a node, to judge it by. undefined: no such node. */
  factsOf(name: string): NodeFacts | undefined {
    const node = this.#nodes.get(name);
    if (node === undefined) return undefined;
    const nodeSets = this.#nodeSets.get(name);
    const { kernel, arch, ready } = node;
    return {
      node: name,
      kernel,
      arch,
      ready,
      report: nodeSets?.report,
      holds: this.#holdings.of(nodeSets),
      heardMs: this.#heardMs.get(name) ?? 0,
    };
  }

  #reflectors() {
    return [...this.#policyReflectors, this.#namespaces, this.#nodes, this.#sets, this.#nodeSets];
  }

  #lives(setName: string): boolean {
    return this.#policies.get(setName)?.deleting === false;
  }

  #onPolicy(change: Change<PolicyEntry>): void {
    const { setName } = change.type === "set" ? change.value : change.before;
    if (change.type === "set") this.#policies.set(setName, change.value);
    else this.#policies.delete(setName);
    if (change.type === "deleted") this.#rego.delete(setName);
    else if (change.value.resource.group === "guardbee.io") this.#rego.set(setName, change.value);
    this.#listener.policyChanged(setName);
    if (change.type === "deleted" || change.value.deleting) this.#nodesOfSetChanged(setName);
  }

  #onNode(change: Change<NodeEntry>): void {
    const { key } = change;
    if (change.type === "set") {
      if (isDeepStrictEqual(change.before, change.value)) return; // a heartbeat
      this.#index.set(key, change.value.labels);
      if (change.before === undefined) this.#heardMs.set(key, this.#clock.monotonic());
    } else {
      this.#index.delete(key);
      this.#heardMs.delete(key);
    }
    this.#listener.nodeChanged(key);
    this.#listener.nodeFactsChanged();
    const labels = [change.before?.labels, change.type === "set" ? change.value.labels : undefined];
    for (const set of this.#sets.list()) {
      const concerned = labels.some((one) => one !== undefined && matchesLabels(set.nodes, one));
      if (concerned) this.#listener.policyChanged(set.name);
    }
  }

  #onSet(change: Change<SetEntry>): void {
    const after = change.type === "set" ? change.value : undefined;
    if (isDeepStrictEqual(change.before, after)) return;
    if (after !== undefined) this.#holdings.remember(after);
    const moved = change.before?.rollout?.share !== after?.rollout?.share;
    if (change.before?.hash !== after?.hash || moved) {
      this.#changedMs.set(change.key, this.#clock.monotonic());
      this.#holdings.expectAnew(change.key, this.#nodeSets.list());
    }
    if (after === undefined) this.#changedMs.delete(change.key);
    this.#listener.policyChanged(change.key);
    const sameNodes = change.before !== undefined && after !== undefined;
    if (sameNodes && isDeepStrictEqual(change.before?.nodes, after?.nodes)) return;
    for (const one of [change.before, after]) {
      if (one !== undefined) this.#tellNodes(this.#index.match(one.nodes));
    }
  }

  #onNodeSets(change: Change<NodeSetsEntry>): void {
    const { key, before } = change;
    const after = change.type === "set" ? change.value : undefined;
    if (isDeepStrictEqual(before, after)) return;
    this.#heardMs.set(key, this.#clock.monotonic());
    const specChanged = !isDeepStrictEqual(before?.sets, after?.sets);
    if (specChanged || before?.ownerUid !== after?.ownerUid) this.#listener.nodeChanged(key);
    for (const name of this.#setsConcerned(before, after)) this.#listener.policyChanged(name);
  }

  /** The sets about which a node says something else than before. */
  #setsConcerned(
    before: NodeSetsEntry | undefined,
    after: NodeSetsEntry | undefined,
  ): ReadonlySet<string> {
    const listed = [...(before?.sets ?? []), ...(after?.sets ?? [])];
    const [held, holds] = [this.#holdings.of(before), this.#holdings.of(after)];
    const reports = [before?.report, after?.report].filter((one) => one !== undefined);
    const named = reports.flatMap(({ exceptions, stops = [], late = [] }) => [
      ...exceptions,
      ...stops,
      ...late,
    ]);
    const concerned = new Set(named.map(({ set }) => set));
    const alike =
      before?.report?.takesInt80 === after?.report?.takesInt80 &&
      before?.report?.tampered === after?.report?.tampered;
    const same = (name: string) => alike && held && holds && held.get(name) === holds.get(name);
    for (const name of listed) if (!same(name)) concerned.add(name);
    return concerned;
  }

  #nodesOfSetChanged(setName: string): void {
    const set = this.#sets.get(setName);
    if (set !== undefined) this.#tellNodes(this.#index.match(set.nodes));
  }

  #tellNodes(names: readonly string[]): void {
    for (const name of names) this.#listener.nodeChanged(name);
  }
}
