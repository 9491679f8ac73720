import { applyStatus, type Clock, type KubeConnection, runTogether } from "@guardbee/kube";
import { resourceOf } from "@guardbee/policy/sets";
import type { Logger } from "pino";

import type { Desired, Engine, NamedSet, SetState, TamperCounts } from "../engine.ts";
import type { Sink } from "../events/sinks/sink.ts";
import type { Learning } from "../learn/learning.ts";
import { LatePods, noneLate } from "../scope/late-pods.ts";
import type { PodLookup } from "../scope/pod-container.ts";
import { resolveScopes } from "../scope/resolve.ts";
import { unreachedSets } from "../scope/unreached.ts";
import type { StateDir } from "../state/state-dir.ts";
import { isAdded } from "./added-policies.ts";
import { type AddedStore, noStore } from "./added-store.ts";
import { ContainerFiles, fileContainers } from "./container-files.ts";
import { FleetSize } from "./fleet-size.ts";
import { FollowRoom } from "./follow-room.ts";
import { LossReports } from "./losses.ts";
import { Misses } from "./misses.ts";
import { MoveReports } from "./moves.ts";
import { NodeLabels } from "./node-labels.ts";
import { NodePods } from "./node-pods.ts";
import { parseNodeSet } from "./node-set.ts";
import { type NodeStatus, type NotHeld, nodeStatus } from "./node-status.ts";
import { openLearning } from "./open-learning.ts";
import { loadRemembered, type Remembered } from "./persisted.ts";
import { ofCluster, PolicyControl } from "./policy-control.ts";
import { Programmer } from "./programmer.ts";
import { type Observed, Reporter } from "./reporter.ts";
import { Stops } from "./stops.ts";
import { tamperedSets } from "./tampered.ts";
import { Tampering } from "./tampering.ts";
import { WantedSets } from "./wanted-sets.ts";

export type SessionOptions = {
  readonly connection: KubeConnection;
  /** Name of this machine's Node, and of its NodePolicySet. */
  readonly nodeName: string;
  readonly engine: Engine;
  readonly state: StateDir;
  /** The host's cgroup v2 root; default `/sys/fs/cgroup`. */
  readonly cgroupRoot?: string;
  /** Where the host's root folder can be read, for what container runtimes keep there; without it, none of that. */
  readonly hostRoot?: string;
  /** Where the host's /proc is; default `/proc`. */
  readonly procfs?: string;
  /** The agent's own pod, which no policy holds for. */
  readonly ownPodUid?: string;
  /** Events show the annotations of pods; default false. */
  readonly podAnnotations?: boolean;
  readonly agentVersion: string;
  /** Where policies that are added over gRPC are kept; absent: they end with the agent. */
  readonly added?: AddedStore;
  /** Reports are spread over this time, and longer in a large fleet; default 2 s. */
  readonly reportJitterMs?: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** In [0,1), for jitter; default Math.random. */
  readonly random?: () => number;
};

/**
 * How long an agent that remembers too little waits for the API server before it programs what it
 * knows: until then what an earlier agent pinned goes on.
 */
const START_GRACE_MS = 15_000;
/** Between two reports of a fleet on one change: 200 writes a second, which an API server has to spare. */
const REPORT_SPREAD_MS = 5;
const REPORT_SPREAD_MAX_MS = 30_000;
const FIELD_MANAGER = "guardbee-agent";

/** Keeps one node of a cluster at what its NodePolicySet lists, and reports what became of it. */
export class Session {
  readonly #options: SessionOptions;
  readonly #pods: NodePods;
  readonly #wanted: WantedSets;
  readonly #fleet: FleetSize;
  readonly #labels: NodeLabels;
  readonly #programmer: Programmer;
  readonly #reporter: Reporter<NodeStatus>;
  readonly #stops: Stops;
  readonly #late: LatePods;
  readonly #followRoom: FollowRoom;
  readonly #misses: Misses;
  /** What is done to policies over gRPC. */
  readonly control: PolicyControl;
  readonly #files: ContainerFiles;
  readonly #tampering: Tampering;
  readonly #moves: MoveReports;
  readonly #losses: LossReports;
  readonly #learning: Learning;
  /** Enough is known to program the kernel, or was waited for. Written by `#start`; never undone. */
  #started = false;

  /** A session with what an earlier run saved. */
  static async open(options: SessionOptions): Promise<Session> {
    const session = new Session(options, await loadRemembered(options.state, options.log));
    await session.control.added.load();
    return session;
  }

  private constructor(options: SessionOptions, remembered: Remembered) {
    const { connection, nodeName, engine, state, clock, log, random = Math.random } = options;
    const shared = { connection, nodeName, state, clock, log };
    const onChange = () => this.#follow();
    this.#options = options;
    this.#late = new LatePods(remembered.pods, engine.assignedBefore());
    this.#pods = new NodePods({
      ...shared,
      cgroupRoot: options.cgroupRoot ?? "/sys/fs/cgroup",
      hostRoot: options.hostRoot,
      remembered: remembered.pods,
      annotations: options.podAnnotations ?? false,
      onChange,
    });
    this.#wanted = new WantedSets({ ...shared, remembered, onChange });
    this.#fleet = new FleetSize({ connection, clock, log, random });
    this.#labels = new NodeLabels({ connection, nodeName, clock, log, random });
    const counted = { engine, onChange: () => this.#reporter.poke(), clock, log };
    this.#stops = new Stops({ ...counted, watched: () => this.#watchedSets() });
    this.#followRoom = new FollowRoom(counted);
    this.#misses = new Misses(counted);
    this.#losses = new LossReports({ ...counted, pods: this.#pods.lookup });
    this.control = new PolicyControl({
      domain: "k8s",
      sets: () => this.#wanted.sets(),
      stops: (sets) => engine.stops(sets),
      store: options.added ?? noStore,
      // What reads policies is not loaded until somebody adds one: it is large.
      read: async (text, file) =>
        (await import("./policy-files.ts")).readText(text, file, { kubernetes: true }),
      onChange,
      log: log.child({ component: "policies" }),
    });
    this.#files = new ContainerFiles({
      ...counted,
      containers: () => {
        const held = this.#programmer.held();
        return held && fileContainers(held, this.#pods.snapshot());
      },
      procfs: options.procfs ?? "/proc",
    });
    this.#programmer = new Programmer({
      engine,
      desired: () => this.#desired(),
      versions: this.#wanted.versions,
      onProgrammed: () => this.#programmed(),
      clock,
      log: log.child({ component: "programmer" }),
    });
    this.#moves = new MoveReports({
      ...{ ...counted, pods: this.#pods.lookup },
      log: log.child({ component: "moves" }),
    });
    this.#tampering = new Tampering({
      ...counted,
      programAgain: () => this.#programmer.again(),
      log: log.child({ component: "tampering" }),
    });
    this.#learning = openLearning(
      { engine, wanted: this.#wanted, programmer: this.#programmer, pods: this.#pods },
      {
        ...{ connection, nodeName, random, clock, log, remembered: remembered.pods },
        jitterMs: () => this.#reportJitterMs(),
      },
    );
    this.#reporter = new Reporter({
      wanted: () => this.#status(),
      observed: () => this.#wanted.nodeSet(),
      settled: () => this.#wanted.settled() && this.#programmer.settled(),
      write: (uid, status, signal) => this.#writeStatus(uid, status, signal),
      jitterMs: () => this.#reportJitterMs(),
      random,
      clock,
      log: log.child({ component: "reporter" }),
    });
  }

  /** Who lives in a cgroup, for events. */
  get pods(): PodLookup {
    return this.#pods.lookup;
  }

  /** Learns from events. */
  get sink(): Sink {
    return this.#learning.sink;
  }

  /** What labels the node has, for events; undefined until it is known. */
  get nodeLabels(): () => Readonly<Record<string, string>> | undefined {
    return () => this.#labels.labels();
  }

  /** What became of each set; undefined before the kernel was programmed. */
  states(): readonly SetState[] | undefined {
    return this.#programmer.states();
  }

  /** Whether this agent has programmed the kernel with what it knows. */
  ready(): boolean {
    return this.#programmer.ready();
  }

  /** What somebody else changed in the kernel. */
  tampered(): TamperCounts {
    return this.#tampering.counts();
  }

  /** Whether Guardbee is to leave this node, and nothing is in force any more. */
  leaves(): boolean {
    const empty = this.#programmer.states()?.length === 0 && this.#programmer.settled();
    return empty && this.#wanted.removal();
  }

  /** Runs until `signal` aborts. The kernel is left as it is then. Throws only on a bug. */
  async run(signal: AbortSignal): Promise<void> {
    const parts = [
      ...[this.#pods, this.#wanted, this.#fleet, this.#labels],
      ...[this.#programmer, this.#stops, this.#followRoom, this.#misses],
      ...[this.#files, this.#tampering, this.#moves, this.#losses],
      ...[this.#learning, this.#reporter],
    ];
    await runTogether(
      [...parts.map((part) => (each: AbortSignal) => part.run(each)), (each) => this.#start(each)],
      signal,
    );
  }

  async #start(signal: AbortSignal): Promise<void> {
    await this.#options.clock.sleep(START_GRACE_MS, signal);
    if (this.#started) return;
    this.#options.log.warn(
      { pods: this.#pods.known(), sets: this.#wanted.complete() },
      "not all is known; programming what is",
    );
    this.#started = true;
    this.#follow();
  }

  #programmed(): void {
    this.control.enter(this.#programmer.states() ?? []);
    // First what was counted before this agent ran: a report without it says that nothing was.
    for (const counted of [this.#stops, this.#followRoom, this.#misses]) counted.read();
    this.#files.poke();
    for (const counted of [this.#moves, this.#losses]) counted.read();
    this.#learning.follow();
    this.#reporter.poke();
  }

  #follow(): void {
    this.#started ||= this.#pods.known() && this.#wanted.complete();
    this.#programmer.poke();
    this.#files.poke();
    this.#stops.follow();
    this.#learning.follow();
    this.#reporter.poke();
  }

  #desired(): Desired | undefined {
    // Guardbee that leaves takes with it what was added here.
    const sets = this.#wanted.removal() ? this.#wanted.sets() : this.control.sets();
    if (sets === undefined || !this.#started) return undefined;
    const scopes = resolveScopes(sets, this.#pods.snapshot(), this.#options.ownPodUid);
    return { sets, scopes };
  }

  #status(): NodeStatus | undefined {
    const nodeSet = this.#wanted.nodeSet();
    const states = this.#programmer.states();
    if (nodeSet === undefined || states === undefined) return undefined;
    const { ownPodUid } = this.#options;
    return nodeStatus({
      nodeSet,
      states: ofCluster(states),
      changed: (set) => this.control.changed(set),
      content: (name) => this.#wanted.content(name),
      refusal: (name) => this.#wanted.versions.refusal(name),
      unreached: this.#unreached(),
      late: this.#pods.known()
        ? this.#late.in(this.#heldOfCluster(), this.#pods.snapshot(), ownPodUid)
        : noneLate,
      stopsOf: (name, hash) => this.#stops.of(name, hash),
      stopsUnread: this.#stops.unread,
      tampered: this.#tampering.last(),
      moved: this.#moves.count(),
      movesUnseen: this.#moves.unseen(),
      losses: this.#losses.list(),
      kernel: this.#options.engine.features(),
      agentVersion: this.#options.agentVersion,
    });
  }

  #heldOfCluster(): readonly NamedSet[] {
    return (this.#programmer.held()?.sets ?? []).filter(({ name }) => !isAdded(name));
  }

  #unreached(): ReadonlyMap<string, NotHeld> {
    const held = this.#programmer.held();
    if (held === undefined) return new Map();
    const unreached = unreachedSets({
      ...held,
      snapshot: this.#pods.snapshot(),
      missing: this.#pods.missing(),
      unassigned: this.#options.engine.unassigned(),
      unfollowed: this.#followRoom.lacking(),
      unhooked: this.#files.unhooked(),
    });
    const tampered = tamperedSets(held.sets, this.#tampering.unrepaired());
    return new Map<string, NotHeld>([...this.#misses.sets(), ...unreached, ...tampered]);
  }

  /** Those whose stops the operator asks for. */
  #watchedSets(): readonly NamedSet[] {
    return (this.#wanted.nodeSet()?.sets ?? []).flatMap((name) => {
      const content = this.#wanted.content(name);
      if (content?.state !== "read" || content.object.countStops !== true) return [];
      return content.object.sets;
    });
  }

  #reportJitterMs(): number {
    const spreadMs = Math.min(this.#fleet.nodes() * REPORT_SPREAD_MS, REPORT_SPREAD_MAX_MS);
    return Math.max(this.#options.reportJitterMs ?? 2_000, spreadMs);
  }

  async #writeStatus(uid: string, status: NodeStatus, signal: AbortSignal): Promise<Observed> {
    const { connection, nodeName } = this.#options;
    const object = { metadata: { name: nodeName, uid }, status };
    const target = { resource: resourceOf("NodePolicySet"), object };
    // Force: no other manager may hold a field of this status.
    const options = { fieldManager: FIELD_MANAGER, force: true };
    return parseNodeSet(await applyStatus(connection, target, options, signal));
  }
}
