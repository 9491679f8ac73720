import type { Clock } from "@guardbee/kube";
import { stepBelow } from "@guardbee/policy/sets";
import type { Logger } from "pino";
import type { Engine, Move } from "../engine.ts";
import type { PodLookup } from "../scope/pod-container.ts";
import { readRepeatedly } from "./read-repeatedly.ts";

export type MoveReportsOptions = {
  readonly engine: Pick<Engine, "moves">;
  readonly pods: PodLookup;
  /** `count` gives something else than before. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Logger;
};

const READ_MS = 2_000;

/**
 * Tells of processes that were taken out of their pods' cgroups, where the policies of their pods
 * hold for them no more: the log has each of the last sixteen of a read, all are counted.
 */
export class MoveReports {
  readonly #options: MoveReportsOptions;
  /** What the kernel had counted by the last read. Written by `read`. */
  #count = 0;
  /** Why the kernel notes none. Written by `read`. */
  #unseen: string | undefined;

  constructor(options: MoveReportsOptions) {
    this.#options = options;
  }

  /** At least so many, in steps of 1, 2, 5, 10, 20, 50 and so on. */
  count(): number {
    return stepBelow(this.#count);
  }

  /** Why nobody notices them here; undefined: somebody does. */
  unseen(): string | undefined {
    return this.#unseen;
  }

  /** Takes what the kernel has noted by now. What cannot be read stays as it was. */
  read(): void {
    const { engine, log } = this.#options;
    try {
      const { count, last, unseen } = engine.moves();
      const fresh = count - this.#count;
      if (fresh > 0) for (const move of last.slice(-fresh)) this.#tell(move);
      if (fresh > last.length) log.warn({ count: fresh - last.length }, "and more were taken out");
      this.#count = count;
      this.#unseen = unseen;
    } catch (error) {
      log.error({ err: error }, "moves of processes cannot be read from the kernel");
    }
  }

  /** Reads every two seconds until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, onChange, log } = this.#options;
    const read = () => this.read();
    const told = () => [this.count(), this.#unseen];
    const failure = "moves of processes cannot be told";
    await readRepeatedly({ read, told, onChange, everyMs: READ_MS, failure, clock, log }, signal);
  }

  #tell({ pid, name, mover, moverName, from, to }: Move): void {
    const { pods, log } = this.#options;
    const pod = pods.byCgroup(from)?.pod;
    const facts = {
      ...(pod === undefined ? {} : { pod: `${pod.namespace}/${pod.name}` }),
      ...{ pid, name, by: { pid: mover, name: moverName } },
      ...{ fromCgroup: String(from), toCgroup: String(to) },
    };
    log.error(facts, "a process was taken out of its pod, whose policies hold for it no more");
  }
}
