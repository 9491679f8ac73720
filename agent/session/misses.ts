import type { Clock } from "@guardbee/kube";
import { stepBelow } from "@guardbee/policy/sets";
import type { Logger } from "pino";
import type { Engine, MissedCalls } from "../engine.ts";
import { readRepeatedly } from "./read-repeatedly.ts";

/** Why a set that is in the kernel may not have held. */
export type Missed = { readonly reason: "CallsMissed"; readonly message: string };

export type MissesOptions = {
  readonly engine: Pick<Engine, "misses">;
  /** `sets` gives something else than before. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Logger;
};

/** What was counted of one attachment, and when that last was more than before. */
type Counted = {
  readonly attachment: string;
  readonly sets: readonly string[];
  readonly count: number;
  /** What was counted before it grew, unless that is long ago. */
  readonly from: number;
  readonly grewAtMs: number;
};

const READ_MS = 5_000;
/** So long a set does not count as in force after a call that its program did not see. */
const TOLD_MS = 10 * 60_000;

/**
 * Which sets may have let something through of late, because the kernel skipped their programs. What
 * was counted before this agent ran counts as new: nobody knows when it was.
 */
export class Misses {
  readonly #options: MissesOptions;
  /** By attachment and id. Written by `read`. */
  #counted: ReadonlyMap<string, Counted> = new Map();
  /** By name of the set. Same writer. */
  #sets: ReadonlyMap<string, Missed> = new Map();

  constructor(options: MissesOptions) {
    this.#options = options;
  }

  /** Those that missed calls in the last ten minutes, by name. */
  sets(): ReadonlyMap<string, Missed> {
    return this.#sets;
  }

  /** Takes what the kernel has counted by now. What cannot be read stays as it was. */
  read(): void {
    const { engine, clock, log } = this.#options;
    try {
      const nowMs = clock.monotonic();
      const all = engine.misses().map((one): [string, Counted] => {
        const key = `${one.attachment} ${one.id}`;
        return [key, counted(one, this.#counted.get(key), nowMs)];
      });
      this.#counted = new Map(all);
      this.#sets = missedSets([...this.#counted.values()], nowMs);
    } catch (error) {
      log.error({ err: error }, "missed calls cannot be read from the kernel");
    }
  }

  /** Reads every five seconds until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, onChange, log } = this.#options;
    const read = () => this.read();
    const told = () => this.#sets;
    const failure = "missed calls cannot be told";
    await readRepeatedly({ read, told, onChange, everyMs: READ_MS, failure, clock, log }, signal);
  }
}

function counted(now: MissedCalls, before: Counted | undefined, nowMs: number): Counted {
  const { attachment, sets } = now;
  const count = now.program + now.link;
  const { count: last = 0, from = 0, grewAtMs = Number.NEGATIVE_INFINITY } = before ?? {};
  const grew = count > last;
  const isNew = nowMs - grewAtMs > TOLD_MS;
  return {
    ...{ attachment, sets, count },
    from: grew && isNew ? last : from,
    grewAtMs: grew ? nowMs : grewAtMs,
  };
}

function missedSets(all: readonly Counted[], nowMs: number): ReadonlyMap<string, Missed> {
  const recent = all.filter(({ grewAtMs }) => nowMs - grewAtMs <= TOLD_MS);
  const bySet = new Map<string, Counted[]>();
  for (const one of recent) {
    for (const name of one.sets) bySet.set(name, [...(bySet.get(name) ?? []), one]);
  }
  return new Map(
    [...bySet].map(([name, its]) => [name, { reason: "CallsMissed", message: messageOf(its) }]),
  );
}

function messageOf(all: readonly Counted[]): string {
  const most = [...all].sort((a, b) => b.count - b.from - (a.count - a.from));
  const { attachment, count, from } = most[0]!;
  const more = most.length > 1 ? ` +${most.length - 1} more` : "";
  return `calls went unseen: the kernel skipped ${attachment} at least ${stepBelow(count - from)} times of late${more}; it is told until there were none for ten minutes`;
}
