import type { Clock } from "@guardbee/kube";
import type { Logger } from "pino";
import type { Engine, Unfollowed } from "../engine.ts";
import { readRepeatedly } from "./read-repeatedly.ts";

export type FollowRoomOptions = {
  readonly engine: Pick<Engine, "unfollowed">;
  /** `lacking` gives something else than before. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Logger;
};

const READ_MS = 2_000;
/** How long it is told after the last file: what an attacker does in bursts stays one report. */
const TOLD_MS = 10 * 60_000;

type Seen = { readonly told: Unfollowed; readonly untilMs: number };

/** Where files could not be followed lately, as the kernel counts them. */
export class FollowRoom {
  readonly #options: FollowRoomOptions;
  /** By pod's cgroup. Written by `read`. */
  #seen: ReadonlyMap<bigint, Seen> = new Map();

  constructor(options: FollowRoomOptions) {
    this.#options = options;
  }

  /** By pod's cgroup, 0n for all that is in none. */
  lacking(): ReadonlyMap<bigint, Unfollowed> {
    const now = this.#options.clock.monotonic();
    const lately = [...this.#seen].filter(([, { untilMs }]) => now < untilMs);
    return new Map(lately.map(([pod, { told }]) => [pod, told]));
  }

  /** Takes what the kernel has counted by now. What cannot be read stays as it was. */
  read(): void {
    const { engine, clock, log } = this.#options;
    try {
      const untilMs = clock.monotonic() + TOLD_MS;
      const seen = [...engine.unfollowed()].map(([pod, told]): [bigint, Seen] => {
        const before = this.#seen.get(pod);
        const isNew = before === undefined || count(told) > count(before.told);
        return [pod, { told, untilMs: isNew ? untilMs : before.untilMs }];
      });
      this.#seen = new Map(seen);
    } catch (error) {
      log.error({ err: error }, "what could not be followed cannot be read from the kernel");
    }
  }

  /** Reads every two seconds until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, onChange, log } = this.#options;
    const read = () => this.read();
    const told = () => [...this.lacking()].map(summaryOf);
    const failure = "what could not be followed cannot be told";
    await readRepeatedly({ read, told, onChange, everyMs: READ_MS, failure, clock, log }, signal);
  }
}

function count({ overShare, overTable }: Unfollowed): number {
  return overShare + overTable;
}

/** All that a report says of it. */
function summaryOf([pod, { overShare, overTable, sets }]: readonly [bigint, Unfollowed]) {
  return [pod, overShare > 0, overTable > 0, sets];
}
