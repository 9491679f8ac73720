import { type Clock, type KubeConnection, Reflector, resources, runTogether } from "@guardbee/kube";
import { type Pod, parsePod } from "@guardbee/policy/sets";
import type { Logger } from "pino";
import { CgroupPods } from "../scope/lookup.ts";
import type { PodLookup } from "../scope/pod-container.ts";
import type { NodeSnapshot } from "../scope/resolve.ts";
import { RuntimeContainers } from "../scope/runtime-containers.ts";
import { PodWatch } from "../scope/watch.ts";
import type { StateDir } from "../state/state-dir.ts";
import { savePods } from "./persisted.ts";
import { Saver } from "./saver.ts";

export type NodePodsOptions = {
  readonly connection: KubeConnection;
  readonly nodeName: string;
  readonly cgroupRoot: string;
  /** Where the host's root folder can be read. */
  readonly hostRoot: string | undefined;
  /** Pods of an earlier run; undefined: nothing is remembered. */
  readonly remembered: readonly Pod[] | undefined;
  /** Whether pods are known with their annotations. */
  readonly annotations: boolean;
  readonly state: StateDir;
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Logger;
};

/** A burst of pod changes is one write to disk. */
const SAVE_DELAY_MS = 1_000;

/** This node's pods: followed at the API server, joined with their cgroups, remembered on disk. */
export class NodePods {
  /** For events. */
  readonly lookup: PodLookup;
  readonly #reflector: Reflector<Pod | undefined>;
  readonly #watch: PodWatch;
  readonly #saver: Saver;
  /** Pods were listed, now or in an earlier run. Written by the constructor and `#waitForList`. */
  #listed: boolean;
  readonly #onChange: () => void;

  constructor(options: NodePodsOptions) {
    const { connection, nodeName, hostRoot, annotations, clock, state } = options;
    const log = options.log.child({ component: "pods" });
    this.#onChange = options.onChange;
    this.#listed = options.remembered !== undefined;
    this.#watch = new PodWatch({
      cgroupRoot: options.cgroupRoot,
      ...(hostRoot === undefined
        ? {}
        : { runtime: new RuntimeContainers({ hostRoot, clock, log }) }),
      clock,
      log,
      pods: options.remembered ?? [],
      onChange: (snapshot) => {
        lookup.update(snapshot);
        this.#saver.poke();
        this.#onChange();
      },
    });
    const lookup = new CgroupPods(this.#watch);
    this.lookup = lookup;
    this.#reflector = new Reflector<Pod | undefined>({
      connection,
      resource: resources.pod,
      fieldSelector: `spec.nodeName=${nodeName}`,
      project: (raw) => parsePod(raw, { annotations }),
      onChange: (change) => {
        const pod = change.type === "set" ? change.value : change.before;
        if (pod !== undefined) this.#watch[change.type === "set" ? "upsert" : "remove"](pod);
      },
      clock,
      log,
    });
    this.#saver = new Saver({
      subject: "pods",
      save: () => savePods(state, this.snapshot().pods),
      delayMs: SAVE_DELAY_MS,
      clock,
      log,
    });
  }

  /**
   * Whether a snapshot can be trusted to name every pod's cgroups and labels: cgroups were read, and
   * the pods are known, be it from an earlier run.
   */
  known(): boolean {
    return this.#listed && this.#watch.sweepCount() > 0;
  }

  snapshot(): NodeSnapshot {
    return this.#watch.snapshot();
  }

  /** Pods that run and whose cgroup was not found. */
  missing(): readonly Pod[] {
    return this.#watch.missing();
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#waitForList();
    await runTogether(
      [this.#reflector, this.#watch, this.#saver].map((part) => (each) => part.run(each)),
      signal,
    );
  }

  /** Does not outlive `run` in effect: `synced` stays pending once the reflector has ended. */
  #waitForList(): void {
    this.#reflector.synced.then(() => {
      this.#listed = true;
      this.#watch.replace(this.#reflector.list().filter((pod) => pod !== undefined));
      this.#onChange();
    });
  }
}
