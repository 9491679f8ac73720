import type { Clock } from "@guardbee/kube";
import type { NodePolicySetStatus } from "@guardbee/policy";
import { stepBelow } from "@guardbee/policy/sets";
import type { Logger } from "pino";
import type { Engine } from "../engine.ts";
import type { PodLookup } from "../scope/pod-container.ts";
import { readRepeatedly } from "./read-repeatedly.ts";

export type LossReportsOptions = {
  readonly engine: Pick<Engine, "lost" | "crowding">;
  readonly pods: PodLookup;
  /** `list` gives something else than before. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Logger;
};

const READ_MS = 5_000;
const PODS_MAX = 5;

type Losses = NonNullable<NodePolicySetStatus["losses"]>;

/** What the kernel's rings and maps had no room for, as its node reports that. */
export class LossReports {
  readonly #options: LossReportsOptions;
  /** Written by `read`. */
  #list: Losses = [];

  constructor(options: LossReportsOptions) {
    this.#options = options;
  }

  /**
   * Of each cause that was: at least so often, in steps of 1, 2, 5, 10, 20, 50 and so on, and of the pods
   * that had their share the first five.
   */
  list(): Losses {
    return this.#list;
  }

  /** Takes what the kernel has counted by now. What cannot be read stays as it was. */
  read(): void {
    const { engine, log } = this.#options;
    try {
      const crowding = engine.crowding();
      this.#list = [...engine.lost()]
        .filter(([, count]) => count > 0)
        .map(([cause, count]) => {
          const pods = this.#namesOf(crowding.get(cause) ?? []);
          return { cause, count: stepBelow(count), ...(pods.length === 0 ? {} : { pods }) };
        });
    } catch (error) {
      log.error({ err: error }, "losses cannot be read from the kernel");
    }
  }

  /** Those that are known, sorted. */
  #namesOf(cgroups: readonly bigint[]): readonly string[] {
    const names = cgroups.flatMap((id) => {
      const pod = this.#options.pods.byCgroup(id)?.pod;
      return pod === undefined ? [] : [`${pod.namespace}/${pod.name}`];
    });
    return [...new Set(names)].sort().slice(0, PODS_MAX);
  }

  /** Reads every five seconds until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, onChange, log } = this.#options;
    const read = () => this.read();
    const told = () => this.#list;
    const failure = "losses cannot be told";
    await readRepeatedly({ read, told, onChange, everyMs: READ_MS, failure, clock, log }, signal);
  }
}
