/** Who made an event, as far as it is told apart. */
export type Maker = {
  /** Empty: of a process, without a policy. */
  readonly policy: string;
  /** What the policy's hook is on, or exec or exit. */
  readonly call: string;
  readonly namespace: string;
  readonly pod: string;
  readonly binary: string;
};

export type PolicyLoad = {
  readonly policy: string;
  readonly call: string;
  readonly events: number;
};
export type ProcessLoad = {
  readonly namespace: string;
  readonly pod: string;
  readonly binary: string;
  readonly events: number;
};

/** What was counted in one interval; events by policy and by process, the most first. */
export type Load = {
  readonly events: number;
  /** The agent dropped so many, because they were not read fast enough. */
  readonly missed: number;
  readonly policies: readonly PolicyLoad[];
  readonly processes: readonly ProcessLoad[];
  /** Of what more was told apart than is kept. */
  readonly others: number;
};

/** More tell nobody anything, and a fork bomb can have as many names as it likes. */
const mostKeys = 10_000;

/** Counts events, and begins again with each interval. */
export class LoadCounter {
  #events = 0;
  #missed = 0;
  #others = 0;
  #policies = new Map<string, { readonly of: Maker; count: number }>();
  #processes = new Map<string, { readonly of: Maker; count: number }>();

  add(maker: Maker): void {
    this.#events++;
    const { policy, call, namespace, pod, binary } = maker;
    const byPolicy = policy === "" || this.#count(this.#policies, `${policy}\0${call}`, maker);
    const byProcess = this.#count(this.#processes, `${namespace}\0${pod}\0${binary}`, maker);
    if (!byPolicy || !byProcess) this.#others++;
  }

  miss(count: number): void {
    this.#missed += count;
  }

  /** What was counted since it was last asked. */
  take(): Load {
    const byCount = (all: Map<string, { readonly of: Maker; count: number }>) =>
      [...all.values()].sort((a, b) => b.count - a.count);
    const load = {
      ...{ events: this.#events, missed: this.#missed, others: this.#others },
      policies: byCount(this.#policies).map(({ of: { policy, call }, count }) => ({
        ...{ policy, call, events: count },
      })),
      processes: byCount(this.#processes).map(({ of: { namespace, pod, binary }, count }) => ({
        ...{ namespace, pod, binary, events: count },
      })),
    };
    [this.#events, this.#missed, this.#others] = [0, 0, 0];
    this.#policies = new Map();
    this.#processes = new Map();
    return load;
  }

  #count(all: Map<string, { readonly of: Maker; count: number }>, key: string, of: Maker): boolean {
    const known = all.get(key);
    if (known !== undefined) known.count++;
    else if (all.size >= mostKeys) return false;
    else all.set(key, { of, count: 1 });
    return true;
  }
}
